/** How a worker is told to work. */
import { defaults } from '../../core/limits.ts';
import type { RetentionTimes } from '../../core/retention.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { ExecutionSettings } from '../execution/services.ts';

/** Times are milliseconds. */
export interface WorkerOptions {
  /** The workflows that it executes. Each name may stand here once. */
  readonly workflows: readonly AnyWorkflow[];
  /** Runs at work at one time, for each workflow. Default 50. */
  readonly concurrency?: number;
  /** How often the worker shows that it is alive. Default 5 000. */
  readonly beatMs?: number;
  /** How long after its last beat a frozen or cut-off worker counts as lost. Default 15 000. */
  readonly sessionMs?: number;
  /** How often the elected sweeper looks for lost workers and due runs. Default 25. */
  readonly sweepMs?: number;
  /**
   * A run is quarantined after so many workers that it has lost in a row, without progress and with no other run under
   * suspicion. Default 3.
   */
  readonly quarantineAfter?: number;
  /** What replaying the events after a snapshot may cost before a new one is taken. Default 2. */
  readonly replayBudgetMs?: number;
  /** How long a cancelled handler may clean up. Default 30 000. */
  readonly cancelGraceMs?: number;
  /** How long runs are kept after their end, by how they ended. A workflow's own `retention` comes first. */
  readonly retention?: RetentionTimes;
  /** How long a run that has ended is kept where no `retention` says so. Default 7 days. */
  readonly keepMs?: number;
  /** Takes runs that newer code has written to: a downgrade on purpose. Default false: they wait for newer code. */
  readonly allowDowngrade?: boolean;
  /** How often an idle worker makes sure that wake-ups reach it. Default 10 000. */
  readonly canaryMs?: number;
}

/** The options with their defaults, and the times that nobody can choose. */
export interface WorkerSettings
  extends ExecutionSettings, Required<Omit<WorkerOptions, 'workflows'>> {
  readonly retention: RetentionTimes;
  /** How long an election of the sweeper holds. */
  readonly lockMs: number;
}

export function settingsOf(options: WorkerOptions): WorkerSettings {
  return {
    concurrency: options.concurrency ?? defaults.concurrency,
    beatMs: options.beatMs ?? defaults.beatMs,
    sessionMs: options.sessionMs ?? defaults.sessionMs,
    sweepMs: options.sweepMs ?? defaults.sweepMs,
    quarantineAfter: options.quarantineAfter ?? defaults.quarantineAfter,
    replayBudgetMs: options.replayBudgetMs ?? defaults.replayBudgetMs,
    cancelGraceMs: options.cancelGraceMs ?? defaults.cancelGraceMs,
    keepMs: options.keepMs ?? defaults.keepMs,
    retention: options.retention ?? {},
    canaryMs: options.canaryMs ?? defaults.canaryMs,
    allowDowngrade: options.allowDowngrade ?? false,
    lockMs: defaults.sweeperLockMs,
    resendMs: defaults.resendMs,
  };
}
