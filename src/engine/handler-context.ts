/** Makes the context of one claimed run out of its writer and steps. */
import { encode } from '../core/codec.ts';
import type { State } from '../core/fold.ts';
import type { Limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { checkStepName } from '../core/names.ts';
import type { CheckpointOptions, Context, StepOptions } from './context.ts';
import type { LogWriter } from './log-writer.ts';
import type { StepBody, Steps } from './steps.ts';
import type { AnyWorkflow } from './workflow.ts';
import { eventWrite, setWrite } from './writes.ts';

export interface ContextOptions {
  readonly run: string;
  readonly fence: number;
  readonly workflow: AnyWorkflow;
  readonly state: () => State;
  readonly writer: LogWriter;
  readonly steps: Steps;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

export function createContext(options: ContextOptions): Context {
  const { workflow, writer, steps, limits } = options;
  return {
    run: options.run,
    fence: options.fence,
    get state() {
      return options.state();
    },
    signal: options.signal,
    log: options.log,
    async emit(type: string, data: unknown) {
      await writer.submit([eventWrite(workflow, limits, { type, data })]);
    },
    async set(patch: Record<string, unknown>) {
      await writer.submit([setWrite(workflow, limits, options.state(), patch)]);
    },
    async step(name: string, body: StepBody, stepOptions?: StepOptions) {
      checkStepName(name);
      return steps.run(name, body, stepOptions);
    },
    async checkpoint({ label, metadata }: CheckpointOptions = {}) {
      const value = {
        ...(label === undefined ? {} : { label }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      const data = encode(value, 'checkpoint', limits.eventBytes);
      await writer.submit([{ type: 'checkpoint.saved', data, value }], { snapshot: true });
    },
  } as unknown as Context;
}
