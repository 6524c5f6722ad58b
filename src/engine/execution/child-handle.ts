/**
 * What a handler asks of a child: a signal, a cancel. Each is a step of the parent, so that a resume does not ask again.
 *
 * Crash in the body: the step runs again. A signal has the key of its step as its id, so that the child has it once; a child
 * that was asked to cancel is asked again, which changes nothing. A Redis that is away is no failure: it is tried again.
 */
import { PawlError } from '../../core/errors.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { Request } from '../../core/request.ts';
import type {
  AskOptions,
  ChildHandle,
  ChildSignalOptions,
  StepContext,
} from '../definition/context.ts';
import { checkOptions } from '../definition/options.ts';
import { checkSignal } from '../definition/signals.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import type { HandleServices } from '../runs/handle-services.ts';
import { RunHandle } from '../runs/run-handle.ts';
import type { StartedChild } from './children.ts';

const retry: RetryPolicy = {
  attempts: Infinity,
  retryIf: (error) => PawlError.is(error) && error.retryable,
};

/** As the context's `step`. */
type Ask = (
  name: string,
  body: (step: StepContext) => Promise<unknown>,
  options: { readonly retry: RetryPolicy },
) => Promise<unknown>;

/** `name`: of the child in its parent. */
export function childHandle(
  { id, result }: StartedChild,
  services: HandleServices,
  {
    workflow,
    name,
    ask,
  }: { readonly workflow: AnyWorkflow; readonly name: string; readonly ask: Ask },
): ChildHandle {
  const run: RunHandle = new RunHandle(id, services, { workflow });
  return {
    id,
    result,
    async signal(signal: string, payload: unknown, options: ChildSignalOptions = {}) {
      checkOptions('childSignal', options);
      checkSignal(workflow, signal, payload);
      const { as = `signal:${name}:${signal}`, ...key } = options;
      await ask(as, (step) => run.signal(signal, payload, { ...key, id: step.idempotencyKey }), {
        retry,
      });
    },
    async cancel(options: AskOptions & Request = {}) {
      checkOptions('ask', options);
      const { as = `cancel:${name}`, ...request } = options;
      return (await ask(as, () => cancelled(run, request), { retry })) as boolean;
    },
  };
}

/** False when it was over. */
async function cancelled(run: RunHandle, request: Request): Promise<boolean> {
  try {
    await run.cancel(request);
    return true;
  } catch (error) {
    if (PawlError.is(error) && error.code === 'PAWL_RUN_ENDED') return false;
    throw error;
  }
}
