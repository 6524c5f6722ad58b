/**
 * The contract of checkpointers as tests:
 *
 *   import * as vitest from 'vitest';
 *   checkpointerSuite({ name: 'my checkpointer', open: async () => ({ checkpointer, other, … }) }, vitest);
 */
import { checkpointsTheme } from './checkpointer/checkpoints.ts';
import { claimsTheme } from './checkpointer/claims.ts';
import { eventsTheme } from './checkpointer/events.ts';
import type {
  CheckpointerCase,
  CheckpointerTheme,
  OpenedCheckpointer,
} from './checkpointer/opened.ts';
import { runsTheme } from './checkpointer/runs.ts';
import { snapshotsTheme } from './checkpointer/snapshots.ts';
import { registerSuite, type Runner, type Skip } from './runner.ts';

/** What the tests of a checkpointer need to know about yours. */
export interface CheckpointerSuiteOptions {
  /** Names the group of tests, such as `my store`. */
  readonly name: string;
  /** Opens a checkpointer, once for all tests. It may hold runs of others. */
  open(): Promise<OpenedCheckpointer>;
  /** Tests that yours does not pass, with the reason. Default: none. */
  readonly skip?: readonly Skip[];
}

const themes: readonly CheckpointerTheme[] = [
  claimsTheme,
  eventsTheme,
  snapshotsTheme,
  checkpointsTheme,
  runsTheme,
];

/** Registers the tests that every checkpointer must pass. */
export function checkpointerSuite(options: CheckpointerSuiteOptions, runner: Runner): void {
  const { name, skip = [] } = options;
  registerSuite<CheckpointerCase & { readonly close: () => Promise<void> }>(
    {
      name,
      themes,
      skip,
      open: async () => {
        const opened = await options.open();
        return {
          checkpointer: opened.checkpointer,
          other: opened.other,
          expect: runner.expect,
          advance: (ms) => opened.advance(ms),
          damageEvent: (run) => opened.damageEvent(run),
          damageState: (run) => opened.damageState(run),
          close: () => opened.close(),
        };
      },
      close: ({ close }) => close(),
    },
    runner,
  );
}
