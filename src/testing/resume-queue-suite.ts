/**
 * The contract of resume queues as tests:
 *
 *   import * as vitest from 'vitest';
 *   resumeQueueSuite({ name: 'my queue', open: async () => ({ queue, close }) }, vitest);
 *
 * They run on the real clock, so each takes as long as the messenger does.
 */
import { deliveryTheme } from './resume-queue/delivery.ts';
import { endingTheme } from './resume-queue/ending.ts';
import { finishAll, type OpenedResumeQueue, type ResumeQueueCase } from './resume-queue/opened.ts';
import { lookingTheme } from './resume-queue/looking.ts';
import { repetitionTheme } from './resume-queue/repetition.ts';
import { roomTheme } from './resume-queue/room.ts';
import { registerSuite, type Runner, type Skip } from './runner.ts';

/** What the tests of a resume queue need to know about yours. */
export interface ResumeQueueSuiteOptions {
  /** Names the group of tests, such as `my queue`. */
  readonly name: string;
  /** Opens a queue, each time another one, on the same messenger. It may hold wake-ups of others. */
  open(): Promise<OpenedResumeQueue>;
  /** Tests that yours does not pass, with the reason. Default: none. */
  readonly skip?: readonly Skip[];
}

const themes = [deliveryTheme, repetitionTheme, roomTheme, endingTheme, lookingTheme];

/** Registers the tests that every resume queue must pass. */
export function resumeQueueSuite(options: ResumeQueueSuiteOptions, runner: Runner): void {
  registerSuite<ResumeQueueCase & { readonly opened: OpenedResumeQueue[] }>(
    {
      name: options.name,
      themes,
      skip: options.skip ?? [],
      open: async () => {
        const opened: OpenedResumeQueue[] = [];
        const open = async (): Promise<OpenedResumeQueue['queue']> => {
          const one = await options.open();
          opened.push(one);
          return one.queue;
        };
        return { opened, open, queue: await open(), expect: runner.expect };
      },
      close: async ({ opened }) => {
        finishAll();
        await Promise.all(opened.map((one) => one.close()));
      },
    },
    runner,
  );
}
