/** What a dashboard is told, checked, and with every default filled in. */
import { randomBytes } from 'node:crypto';
import { checked, flag, listOf, oneOf, optionsOf, secret, textOf } from '../core/option-rules.ts';
import { checkWorkflow } from '../engine/definition/check-workflow.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';

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
const fleetActionNames = ['drain'] as const;
/**
 * What a person can do. `retry` resumes a failed or quarantined run, and `decide` says whether an effect in doubt has
 * happened. `answer` is on the inbox page. `drain` closes a worker, on the page of the workers.
 */
export type DashboardAction = RunAction | (typeof fleetActionNames)[number];
/** What is done to one run. */
export type RunAction = (typeof runActionNames)[number];

const allActions: readonly DashboardAction[] = [...runActionNames, ...fleetActionNames];

/** What the pages show, whom they let in, and what can be changed with them. */
export interface DashboardOptions {
  /** Nothing can be changed. Default true. */
  readonly readOnly?: boolean;
  /** Where it is mounted: `/admin/pawl`. Default `/`. */
  readonly basePath?: string;
  /** Who logs in; with `password` only. Default `pawl`. */
  readonly user?: string;
  /** Asked for on every request, by HTTP basic authentication. Default: nobody has to log in. */
  readonly password?: string;
  /** Names of the host, besides those of this machine, under which it answers without a password. */
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
}

export interface Settings {
  /** Without a slash at its end: what every link begins with. */
  readonly base: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly hosts: ReadonlySet<string>;
  readonly actions: readonly DashboardAction[];
  readonly actor: string;
  readonly workflows: ReadonlyMap<string, AnyWorkflow>;
  /** Signs the tokens of forms. Another process has another one: its forms must be loaded again. */
  readonly secret: Uint8Array;
}

export const dashboardRules = {
  readOnly: flag,
  basePath: checked(
    'a path such as /admin/pawl',
    (value) => typeof value === 'string' && /^(\/[A-Za-z0-9_.~-]+)*\/?$/.test(value),
  ),
  user: checked(
    'a text of 1 to 128 characters without a colon',
    (value) => typeof value === 'string' && /^[^:]{1,128}$/.test(value),
  ),
  password: secret,
  hosts: listOf(textOf(1, 253)),
  actions: listOf(oneOf(...allActions)),
  actor: textOf(1, 256),
  workflows: listOf(checkWorkflow),
} as const;

const checkOptions = optionsOf<DashboardOptions>(dashboardRules);

const loopback = ['localhost', '127.0.0.1', '[::1]'];
const secretBytes = 32;

/** @throws InvalidError that names the option. */
export function readSettings(options: DashboardOptions): Settings {
  checkOptions(options, 'dashboard options');
  const { readOnly = true, basePath = '/', user = 'pawl', workflows = [] } = options;
  return {
    base: basePath.replace(/\/$/, ''),
    user,
    password: options.password,
    hosts: new Set([...loopback, ...(options.hosts ?? [])].map((host) => host.toLowerCase())),
    actions: readOnly ? [] : (options.actions ?? allActions),
    actor: options.actor ?? 'pawl ui',
    workflows: new Map(workflows.map((workflow) => [workflow.name, workflow])),
    secret: randomBytes(secretBytes),
  };
}
