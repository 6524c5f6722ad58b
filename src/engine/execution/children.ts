/**
 * Child runs: started by a step of another run, told of by a message, ended with it if they are attached. The news of their
 * end, and their end with the parent's: `runs/parent-notice.ts`.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { PawlError } from '../../core/errors.ts';
import type { ChildStart } from '../../core/event.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { ChildHandle, ChildOptions } from '../definition/context.ts';
import type { LogWriter } from './log-writer.ts';
import { startRun, type StartParts } from '../runs/start.ts';
import type { Steps } from './steps.ts';
import type { Waits } from './waits.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { recordWrite } from './writes.ts';

export interface ChildrenOptions {
  readonly run: string;
  readonly parts: StartParts;
  readonly writer: LogWriter;
  readonly steps: Steps;
  readonly waits: Waits;
  readonly clock: Clock;
}

const firstRetryMs = 25;
const retryMsMax = 1000;

export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** Starts a child, or finds the one that was started before a crash. */
  async start(workflow: AnyWorkflow, input: unknown, options: ChildOptions): Promise<ChildHandle> {
    const { run, parts, writer, steps, waits } = this.#options;
    const { as = workflow.name, attached = true, ...startOptions } = options;
    const id = childId(run, as);
    await steps.run(`start:${as}`, async () => {
      await this.#untilStored(() =>
        startRun(parts, workflow, input, { ...startOptions, id, parent: run }),
      );
      const start: ChildStart = { run: id, attached };
      writer.ride(recordWrite('child.started', start));
    });
    return { id, result: () => waits.child(`child:${as}`, id) };
  }

  /** An absent Redis is no failure of the handler: as with a commit, there will be an answer, or somebody else's run. */
  async #untilStored(start: () => Promise<unknown>): Promise<void> {
    const { writer, clock } = this.#options;
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, retryMsMax)) {
      try {
        await start();
        return;
      } catch (error) {
        const isWorthwhile = PawlError.is(error) && error.retryable && writer.lost === undefined;
        if (!isWorthwhile) throw error;
        await clock.sleep(delayMs);
      }
    }
  }
}

/** The same for every execution, so that a child is not started twice. */
function childId(run: string, as: string): string {
  const readable = `${run}.${as.replace(/[^A-Za-z0-9_.~-]/g, '-')}`;
  const isExact = readable === `${run}.${as}` && readable.length <= fixedLimits.runIdLength;
  if (isExact) return readable;
  const hash = createHash('sha256').update(`${run}\n${as}`).digest('hex').slice(0, 16);
  return `${readable.slice(0, fixedLimits.runIdLength - hash.length - 1)}.${hash}`;
}
