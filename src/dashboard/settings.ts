/** What a dashboard is told, checked, and with every default filled in. */
import { randomBytes } from 'node:crypto';
import { InvalidError } from '../core/errors.ts';
import {
  callback,
  checked,
  flag,
  listOf,
  needed,
  oneOf,
  optionsOf,
  secret,
  textOf,
} from '../core/option-rules.ts';
import { checkWorkflow } from '../engine/definition/check-workflow.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import {
  allActions,
  allowed,
  type DashboardAction,
  type DashboardLogin,
  type DashboardRole,
  type DashboardUser,
  roles,
} from './access.ts';
import type { KillableWorkers } from './killable.ts';
import type { Redact } from './redaction.ts';

/** What the pages show, whom they let in, and what can be changed with them. */
export interface DashboardOptions {
  /** Nothing can be changed, by nobody. Default true; false with `users` or `login`, whose roles say it. */
  readonly readOnly?: boolean;
  /** Where it is mounted: `/admin/pawl`. Default `/`. */
  readonly basePath?: string;
  /** Who logs in; with `password` only. Default `pawl`. */
  readonly user?: string;
  /** Asked for on every request, by HTTP basic authentication. Default: nobody has to log in. */
  readonly password?: string;
  /** More people who log in by basic authentication, each with a role: `read`, `operate` or `admin`. Default: none. */
  readonly users?: readonly DashboardUser[];
  /**
   * Your own login, in place of `password` and `users`: who sends this request, and what they may do. Undefined is for
   * nobody who may come in (401). When it throws, nobody is let in (503).
   */
  readonly login?: DashboardLogin;
  /** Names of the host, besides those of this machine, under which it answers without a login. */
  readonly hosts?: readonly string[];
  /** What can be done when it is not read-only. Default: all. */
  readonly actions?: readonly DashboardAction[];
  /** Noted in the logs of runs where nobody logs in. Default `pawl ui`. */
  readonly actor?: string;
  /**
   * Those of the runs: states are folded, compared and forked, graphs drawn, and signals checked before they are sent. The
   * pages call their reducers, and nothing else of them.
   */
  readonly workflows?: readonly AnyWorkflow[];
  /**
   * Returns what is shown in place of each value that workflows have stored, on pages, in JSON, in streams and in
   * differences. `hideFields` makes one. Default: values are shown as they are.
   */
  readonly redact?: Redact;
  /** Shows bull-board at `board`, below the other pages. Needs `@bull-board/api` and `@bull-board/hono`. Default false. */
  readonly queueBoard?: boolean;
  /**
   * The workers that this process has started and that admins may kill from the page of workers, by their ids. `pawl dev`
   * gives its own. Default: none, and there is no way to kill one.
   */
  readonly killable?: KillableWorkers;
}

export interface Settings {
  /** Without a slash at its end: what every link begins with. */
  readonly base: string;
  readonly users: readonly DashboardUser[];
  readonly login: DashboardLogin | undefined;
  readonly hasLogin: boolean;
  readonly hosts: ReadonlySet<string>;
  /** Of who looks at the pages; where nobody logs in, of everybody. */
  readonly role: DashboardRole;
  readonly actions: readonly DashboardAction[];
  readonly actor: string;
  readonly workflows: ReadonlyMap<string, AnyWorkflow>;
  readonly redact: Redact | undefined;
  readonly queueBoard: boolean;
  readonly killable: KillableWorkers;
  /** Signs the tokens of forms. Another process has another one: its forms must be loaded again. */
  readonly secret: Uint8Array;
}

const userName = checked(
  'a text of 1 to 128 characters without a colon',
  (value) => typeof value === 'string' && /^[^:]{1,128}$/.test(value),
);

const checkUser = optionsOf<DashboardUser>({
  name: needed(userName),
  password: needed(secret),
  role: needed(oneOf(...roles)),
});

export const dashboardRules = {
  readOnly: flag,
  basePath: checked(
    'a path such as /admin/pawl',
    (value) => typeof value === 'string' && /^(\/[A-Za-z0-9_.~-]+)*\/?$/.test(value),
  ),
  user: userName,
  password: secret,
  users: listOf(checkUser),
  login: callback,
  hosts: listOf(textOf(1, 253)),
  actions: listOf(oneOf(...allActions)),
  actor: textOf(1, 256),
  workflows: listOf(checkWorkflow),
  redact: callback,
  queueBoard: flag,
  killable: callback,
} as const;

const checkOptions = optionsOf<DashboardOptions>(dashboardRules);

const loopback = ['localhost', '127.0.0.1', '[::1]'];
const secretBytes = 32;

/** @throws InvalidError that names the option. */
export function readSettings(options: DashboardOptions): Settings {
  checkOptions(options, 'dashboard options');
  const { basePath = '/', workflows = [], login } = options;
  const users = usersOf(options);
  const hasRoles = login !== undefined || (options.users ?? []).length > 0;
  const isReadOnly = options.readOnly ?? !hasRoles;
  return {
    base: basePath.replace(/\/$/, ''),
    users,
    login,
    hasLogin: login !== undefined || users.length > 0,
    hosts: new Set([...loopback, ...(options.hosts ?? [])].map((host) => host.toLowerCase())),
    role: isReadOnly ? 'read' : 'admin',
    actions: isReadOnly ? [] : actionsOf(options),
    actor: options.actor ?? 'pawl ui',
    workflows: new Map(workflows.map((workflow) => [workflow.name, workflow])),
    redact: options.redact,
    queueBoard: options.queueBoard ?? false,
    killable: options.killable ?? (() => new Map()),
    secret: randomBytes(secretBytes),
  };
}

/** Nothing can be killed where the host says no way to do it. */
function actionsOf({ actions = allActions, killable }: DashboardOptions): DashboardAction[] {
  return actions.filter((action) => action !== 'kill' || killable !== undefined);
}

/** @throws InvalidError for two ways to log in, and for two users of one name. */
function usersOf({
  user,
  password,
  users = [],
  login,
}: DashboardOptions): readonly DashboardUser[] {
  const first =
    password === undefined ? [] : [{ name: user ?? 'pawl', password, role: 'admin' } as const];
  const all = [...first, ...users];
  if (login !== undefined && all.length > 0) {
    throw new InvalidError('login', 'stands in place of password and users: give one of them.');
  }
  if (new Set(all.map(({ name }) => name)).size < all.length) {
    throw new InvalidError('users', 'has two of the same name.');
  }
  return all;
}

/** What somebody of this role is shown, and may do. */
export function settingsFor(settings: Settings, role: DashboardRole): Settings {
  return { ...settings, role, actions: allowed(settings.actions, role) };
}
