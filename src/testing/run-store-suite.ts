/**
 * The contract of run stores as tests. A store that passes them can carry pawl:
 *
 *   import * as vitest from 'vitest';
 *   runStoreSuite({ name: 'my store', open: async () => ({ store, advance, close }) }, vitest);
 */
import { registerSuite, type Runner, type Skip } from './runner.ts';
import { archiveTheme } from './run-store/archive.ts';
import { nudgesTheme } from './run-store/nudges.ts';
import { beginningsTheme } from './run-store/beginnings.ts';
import { blobsTheme } from './run-store/blobs.ts';
import { cancelTheme } from './run-store/cancel.ts';
import { statsTheme } from './run-store/stats.ts';
import { checkpointsTheme } from './run-store/checkpoints.ts';
import { claimTheme } from './run-store/claim.ts';
import { commitTheme } from './run-store/commit.ts';
import { createTheme } from './run-store/create.ts';
import { deleteTheme } from './run-store/delete.ts';
import { deletionsTheme } from './run-store/deletions.ts';
import { dueTheme } from './run-store/due.ts';
import { electionTheme } from './run-store/election.ts';
import { evidenceTheme } from './run-store/evidence.ts';
import { expiryTheme } from './run-store/expiry.ts';
import { fencesTheme } from './run-store/fences.ts';
import { fleetTheme } from './run-store/fleet.ts';
import { interruptTheme } from './run-store/interrupt.ts';
import { listTheme } from './run-store/list.ts';
import { outputsTheme } from './run-store/outputs.ts';
import { unmanagedTheme } from './run-store/unmanaged.ts';
import { owingTheme } from './run-store/owing.ts';
import { parkedTheme } from './run-store/parked.ts';
import { pauseTheme } from './run-store/pause.ts';
import { postTheme } from './run-store/post.ts';
import { questionsTheme } from './run-store/questions.ts';
import { racesTheme } from './run-store/races.ts';
import { readingTheme } from './run-store/reading.ts';
import { releaseTheme } from './run-store/release.ts';
import { resumeTheme } from './run-store/resume.ts';
import { schedulesTheme } from './run-store/schedules.ts';
import { searchTheme } from './run-store/search.ts';
import { sessionsTheme } from './run-store/sessions.ts';
import { tokensTheme } from './run-store/tokens.ts';
import { turnsTheme } from './run-store/turns.ts';
import { turnstileTheme } from './run-store/turnstile.ts';
import { versionsTheme } from './run-store/versions.ts';
import { waitsTheme } from './run-store/waits.ts';
import { fullTheme } from './run-store/full.ts';
import type { OpenedRunStore, RunStoreCase, RunStoreTheme } from './run-store/opened.ts';

/** What the tests of a run store need to know about yours. */
export interface RunStoreSuiteOptions {
  /** Names the group of tests, such as `my store`. */
  readonly name: string;
  /** Opens a store, once for all tests. It may hold runs and workers of others. */
  open(): Promise<OpenedRunStore>;
  /** Tests that yours does not pass, with the reason. Default: none. */
  readonly skip?: readonly Skip[];
}

const themes: readonly RunStoreTheme[] = [
  createTheme,
  beginningsTheme,
  claimTheme,
  unmanagedTheme,
  commitTheme,
  checkpointsTheme,
  fullTheme,
  expiryTheme,
  releaseTheme,
  interruptTheme,
  evidenceTheme,
  dueTheme,
  postTheme,
  cancelTheme,
  pauseTheme,
  resumeTheme,
  waitsTheme,
  questionsTheme,
  parkedTheme,
  versionsTheme,
  owingTheme,
  outputsTheme,
  nudgesTheme,
  readingTheme,
  listTheme,
  searchTheme,
  statsTheme,
  deleteTheme,
  archiveTheme,
  blobsTheme,
  deletionsTheme,
  sessionsTheme,
  electionTheme,
  fleetTheme,
  schedulesTheme,
  turnsTheme,
  turnstileTheme,
  fencesTheme,
  tokensTheme,
  racesTheme,
];

/** Registers the tests that every run store must pass. */
export function runStoreSuite(options: RunStoreSuiteOptions, runner: Runner): void {
  registerSuite<{ readonly opened: OpenedRunStore } & RunStoreCase>(
    {
      name: options.name,
      themes,
      skip: options.skip ?? [],
      open: async () => {
        const opened = await options.open();
        return {
          opened,
          store: opened.store,
          expect: runner.expect,
          advance: (ms) => opened.advance(ms),
          registerElsewhere: async (worker) => {
            if (opened.registerElsewhere === undefined)
              throw new Error(absent('registerElsewhere'));
            return opened.registerElsewhere(worker);
          },
          traces: async (run) => {
            if (opened.traces === undefined) throw new Error(absent('traces'));
            return opened.traces(run);
          },
        };
      },
      close: ({ opened }) => opened.close(),
    },
    runner,
  );
}

function absent(ability: string): string {
  return `open() gave no ${ability}: give one, or skip this test with the reason why there is none.`;
}
