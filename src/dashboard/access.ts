/**
 * Who is let in, and who may change what. Each route that changes something stands in `changes` with the role that it needs.
 * One that is missing there is refused for everybody, and a test walks the routes.
 *
 *   read      looks at everything
 *   operate   lets runs go on: signals, answers, decisions, resume, retry, pause, cancel; holds queues back,
 *             drains workers, pauses and triggers schedules, lets the doctor look
 *   admin     and what destroys, or puts a state of its own in place: delete, fork, ending a schedule, killing a worker,
 *             what a board of queues does
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export const runActionNames = [
  'signal',
  'decide',
  'resume',
  'retry',
  'pause',
  'fork',
  'cancel',
  'delete',
  'answer',
] as const;
/** What a person can do to something else than a run. */
const fleetActionNames = ['drain', 'kill', 'schedule', 'unschedule'] as const;
/**
 * What a person can do. `retry` resumes a failed or quarantined run, and `decide` says whether an effect in doubt has
 * happened. `answer` is on the inbox page. `drain` closes a worker, on the page of the workers, and `kill` ends one that is
 * `killable`. `schedule` pauses and resumes schedules and starts runs of them, and `unschedule` ends them.
 */
export type DashboardAction = RunAction | (typeof fleetActionNames)[number];
/** What is done to one run. */
export type RunAction = (typeof runActionNames)[number];

export const allActions: readonly DashboardAction[] = [...runActionNames, ...fleetActionNames];

export const roles = ['read', 'operate', 'admin'] as const;
/** What somebody may do with the pages. Each role may do what those before it may. */
export type DashboardRole = (typeof roles)[number];

/** Somebody who was let in. */
export interface DashboardVisitor {
  /** Noted in the logs of runs. */
  readonly actor: string;
  /** What they may do. */
  readonly role: DashboardRole;
}

/** Somebody who logs in by HTTP basic authentication. */
export interface DashboardUser {
  /** Noted in the logs of runs. Without a colon. */
  readonly name: string;
  /** Not empty. */
  readonly password: string;
  /** What they may do. */
  readonly role: DashboardRole;
}

/** Your own login: who sends the request, or undefined for nobody who may come in. */
export type DashboardLogin = (
  request: Request,
) => DashboardVisitor | undefined | Promise<DashboardVisitor | undefined>;

const actionRoles: Readonly<Record<DashboardAction, DashboardRole>> = {
  signal: 'operate',
  answer: 'operate',
  decide: 'operate',
  resume: 'operate',
  retry: 'operate',
  pause: 'operate',
  cancel: 'operate',
  drain: 'operate',
  schedule: 'operate',
  fork: 'admin',
  delete: 'admin',
  kill: 'admin',
  unschedule: 'admin',
};

/** What a verb of the page of schedules comes under. */
export function scheduleAction(verb: string): 'schedule' | 'unschedule' | undefined {
  if (verb === 'remove') return 'unschedule';
  return ['pause', 'resume', 'trigger'].includes(verb) ? 'schedule' : undefined;
}

interface Change {
  /** As the route has it, below the base. */
  readonly path: string;
  readonly role: (named: Readonly<Record<string, string>>) => DashboardRole | undefined;
}

/** What changes something. Pages may ask for more, by what stands in a form; never for less. */
export const changes: readonly Change[] = [
  {
    path: '/runs/:id/:action',
    role: ({ action = '' }) =>
      Object.hasOwn(actionRoles, action) ? actionRoles[action as DashboardAction] : undefined,
  },
  { path: '/bulk', role: () => 'operate' },
  { path: '/failures/:group/retry', role: () => 'operate' },
  {
    path: '/schedules/:workflow/:id/:verb',
    role: ({ verb = '' }) => {
      const action = scheduleAction(verb);
      return action && actionRoles[action];
    },
  },
  { path: '/health/doctor', role: () => 'operate' },
  { path: '/workers/:id/drain', role: () => actionRoles.drain },
  { path: '/workers/:id/kill', role: () => actionRoles.kill },
  { path: '/queues/:workflow/:action', role: () => 'operate' },
  { path: '/board/*', role: () => 'admin' },
];

/** The role that a change needs; undefined for one that no rule names. */
export function roleFor(path: string): DashboardRole | undefined {
  for (const change of changes) {
    const match = patternOf(change.path).exec(path);
    if (match !== null) return change.role(match.groups ?? {});
  }
  return undefined;
}

function patternOf(path: string): RegExp {
  const pattern = path.replace(/:(\w+)/g, '(?<$1>[^/]+)').replace(/\*$/, '.*');
  return new RegExp(`^${pattern}/?$`);
}

export function mayDo(role: DashboardRole, needed: DashboardRole): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

export function allowed(
  actions: readonly DashboardAction[],
  role: DashboardRole,
): readonly DashboardAction[] {
  return actions.filter((action) => mayDo(role, actionRoles[action]));
}

/** Who has sent these credentials. Every user is compared, so how long it takes says nothing. */
export function userOf(
  users: readonly DashboardUser[],
  header: string | null,
): DashboardUser | undefined {
  const given = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1] ?? '';
  const text = Buffer.from(given, 'base64').toString();
  const [found] = users.filter(({ name, password }) => isSame(text, `${name}:${password}`));
  return found;
}

/** The lengths differ, the digests do not: how long it takes says nothing. */
export function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
