/**
 * Calls of a model as steps. While a call is at work its parts go to the run's output, token by token. Who has asked for the
 * call gets them when it is stored: no tool starts for an answer that a crash could take back.
 *
 *   the model ──part──▶ UI chunk ──▶ output of the run ──▶ pages, live
 *             └─part──▶ joined ────▶ result of the step ──▶ the AI SDK, once it is stored; on a resume without a call
 *
 * Crash in the call: it is made again, and its first chunk begins a new epoch. Crash after it: its result is there.
 */
import type { AgentCalls, Give } from '../agents/calls.ts';
import type { AgentStep, CallOptions } from '../agents/context.ts';
import { type Generated, type Part, partsOf, RecordedParts, toGenerated } from './parts.ts';
import { toUi } from './ui-chunks.ts';

/** A model of the AI SDK, as far as a call goes. */
export interface CalledModel {
  /** Calls the model, and resolves with all that it says. */
  doGenerate(params: never): PromiseLike<unknown>;
  /** Calls the model, and resolves with a stream of what it says. */
  doStream(params: never): PromiseLike<unknown>;
}

export interface ModelOptions extends CallOptions<never> {
  /**
   * Streams the calls of `generateText` as well, so that pages get the tokens as they come. Default: false, and pages get
   * what the model has said when it has said all of it. Calls of `streamText` are always streamed.
   */
  readonly stream?: boolean;
}

interface Params {
  readonly abortSignal?: AbortSignal | undefined;
}

export class DurableModel {
  readonly #calls: AgentCalls;
  readonly #options: ModelOptions;

  constructor(calls: AgentCalls, options: ModelOptions) {
    this.#calls = calls;
    this.#options = options;
  }

  async stream(model: CalledModel, params: unknown): Promise<{ stream: ReadableStream<Part> }> {
    const parts = await this.#streamed(model, params);
    return { stream: ReadableStream.from<Part>(parts) };
  }

  async generate(model: CalledModel, params: unknown): Promise<Generated> {
    if (this.#options.stream === true) return toGenerated(await this.#streamed(model, params));
    const body = async (step: AgentStep, give: Give): Promise<Generated> => {
      const all = (await model.doGenerate(within(params, step))) as Generated;
      const { request: _, response, ...result } = all;
      await give({ type: 'start-step' });
      for (const part of partsOf(result.content)) await show(part, give);
      await give({ type: 'finish-step' });
      const { headers: _headers, body: _body, ...about } = (response ?? {}) as Part;
      return { ...result, response: about };
    };
    return this.#calls.model(body as never, this.#options);
  }

  #streamed(model: CalledModel, params: unknown): Promise<readonly Part[]> {
    const body = async (step: AgentStep, give: Give): Promise<readonly Part[]> => {
      const { stream } = (await model.doStream(within(params, step))) as {
        readonly stream: ReadableStream<Part>;
      };
      const recorded = new RecordedParts();
      await give({ type: 'start-step' });
      for await (const part of stream) {
        if (part.type === 'error') throw toError(part['error']);
        recorded.add(part);
        await show(part, give);
      }
      return recorded.whole();
    };
    return this.#calls.model(body as never, this.#options);
  }
}

async function show(part: Part, give: Give): Promise<void> {
  const chunk = toUi(part);
  if (chunk !== undefined) await give(chunk);
}

/** The call ends when its step does, and when whoever asked for it wants so. */
function within(params: unknown, step: AgentStep): never {
  const { abortSignal } = params as Params;
  const signals = abortSignal === undefined ? [step.signal] : [abortSignal, step.signal];
  return { ...(params as Params), abortSignal: AbortSignal.any(signals) } as never;
}

function toError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new Error(
    typeof error === 'string' ? error : `The model failed: ${JSON.stringify(error)}`,
  );
}
