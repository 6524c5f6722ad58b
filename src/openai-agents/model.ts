/**
 * Calls of a model of OpenAI Agents as steps. While a call is at work its tokens go to the run's output. Who has asked for
 * the call gets its events when it is stored: no tool starts for an answer that a crash could take back.
 *
 * Crash in the call: it is made again, and its first chunk begins a new epoch. Crash after it: its result is there.
 */
import type { Model, ModelProvider, StreamEvent } from '@openai/agents';
import type { AgentCalls, Give } from '../agents/calls.ts';
import type { AgentStep, CallOptions } from '../agents/context.ts';
import { Told } from './ui.ts';

export type ModelRequest = Parameters<Model['getResponse']>[0];
export type ModelResponse = Awaited<ReturnType<Model['getResponse']>>;

export class DurableModels {
  readonly #calls: AgentCalls;
  readonly #options: CallOptions<never>;

  constructor(calls: AgentCalls, options: CallOptions<never>) {
    this.#calls = calls;
    this.#options = options;
  }

  model(model: Model): Model {
    return {
      getResponse: (request) => this.#respond(model, request),
      getStreamedResponse: (request) => this.#stream(model, request),
      ...(model.supportsPromptModelSelection !== undefined && {
        supportsPromptModelSelection: model.supportsPromptModelSelection,
      }),
      ...(model.getRetryAdvice && { getRetryAdvice: (about) => model.getRetryAdvice?.(about) }),
    };
  }

  provider(provider: ModelProvider): ModelProvider {
    return { getModel: async (name) => this.model(await provider.getModel(name)) };
  }

  #respond(model: Model, request: ModelRequest): Promise<ModelResponse> {
    const body = async (step: AgentStep, give: Give): Promise<ModelResponse> => {
      const response = plain(await model.getResponse(within(request, step)));
      const told = new Told(give);
      await told.begin();
      await told.finish(response.output);
      return response;
    };
    return this.#calls.model(body as never, this.#options);
  }

  async *#stream(model: Model, request: ModelRequest): AsyncGenerator<StreamEvent> {
    const body = async (step: AgentStep, give: Give): Promise<readonly StreamEvent[]> => {
      const kept: StreamEvent[] = [];
      const told = new Told(give);
      await told.begin();
      for await (const event of model.getStreamedResponse(within(request, step))) {
        keep(kept, event);
        if (event.type === 'output_text_delta') await told.delta(event.delta);
        if (event.type === 'response_done') await told.finish(event.response.output);
      }
      return kept;
    };
    yield* (await this.#calls.model(body as never, this.#options)) as readonly StreamEvent[];
  }
}

/** Short deltas become a long one. The bytes of the provider's own events would be the same once more, and are left out. */
function keep(kept: StreamEvent[], event: StreamEvent): void {
  if (event.type === 'model') return;
  const last = kept.at(-1);
  const isSame =
    event.type === 'output_text_delta' &&
    last?.type === 'output_text_delta' &&
    last.itemId === event.itemId;
  if (isSame) kept[kept.length - 1] = { ...last, delta: last.delta + event.delta };
  else kept.push(plain(event));
}

/** The call ends when its step does, and when whoever asked for it wants so. */
function within(request: ModelRequest, step: AgentStep): ModelRequest {
  const { signal } = request;
  const signals = signal === undefined ? [step.signal] : [signal, step.signal];
  return { ...request, signal: AbortSignal.any(signals) };
}

/** Without classes of the SDK, so that it is the same when it comes from the log. */
function plain<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
