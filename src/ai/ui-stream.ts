/**
 * Answers of runs for pages: as the AI SDK's UI message stream, as a response, as a route. Nothing is remembered between
 * two requests, and the producer may be another process, or dead: all that is said is read from the run's output.
 *
 * Each event has its place in the answer as its id. A page that comes back with the last one it has seen gets what follows.
 * One that comes back without gets the answer from its beginning, as `useChat` expects.
 */
import { type ErrorRecord, PawlError } from '../core/errors.ts';
import {
  abortSignal,
  callback,
  checked,
  flag,
  needed,
  optionsOf,
  text,
  wholeNumber,
} from '../core/option-rules.ts';
import type { OutputChunk } from '../engine/definition/outputs.ts';
import type { Pawl } from '../pawl.ts';
import { textStream } from '../text-stream.ts';
import { UiAnswer } from './ui-answer.ts';
import type { UiChunk } from './ui-chunks.ts';

/** A run, as far as its answers are read. */
export interface AnsweringRun {
  /** With which the run was started. */
  readonly id: string;
  /** As that of a handle: whether the run has ended, and how. */
  info(): Promise<{ readonly status: string; readonly error?: ErrorRecord | undefined }>;
  /** As that of a handle. Which names fit, its workflow says: no name fits all of them. */
  output(options: {
    readonly name: never;
    readonly signal: AbortSignal;
  }): AsyncGenerator<OutputChunk>;
}

/** Why nothing comes any more, though an answer may not be whole. */
export interface AnswerFailure {
  /** The id of the run. */
  readonly run: string;
  /** `quarantined`: it goes on when somebody resumes it. `deleted`: while the answer was read. */
  readonly status: 'failed' | 'quarantined' | 'deleted';
  /** With what the run has failed, or why it is quarantined. It may have words that are not for the page. */
  readonly error: ErrorRecord | undefined;
}

/** Which answer of a run, and how it is told. */
export interface AnswerOptions {
  /** The name of the answer, as `durableAgent` was given it. Default: `answer`. */
  readonly answer?: string;
  /** The output of the run that has it. Default: `ui`. */
  readonly output?: string;
  /** The id of the message. Default: the ids of the run and the answer. */
  readonly messageId?: string;
  /** How many chunks of the answer the page has. Default: 0, and the answer is told from its beginning. */
  readonly after?: number;
  /**
   * Whether the page knows `reset-step`, with which the half of a call that was made again is dropped: `useChat` of AI SDK 7
   * does. False: a call of the model is told when nothing can make it again, whole. Default: true.
   */
  readonly resets?: boolean;
  /**
   * What the page is told of a run that has failed, is quarantined or was deleted. A text is for all three, and a function
   * makes one. Default: which of them it is, and nothing else.
   */
  readonly failure?: string | ((failure: AnswerFailure) => string);
  /** Ends the stream; the run goes on. */
  readonly signal?: AbortSignal;
}

/** What a page is told, and its place in the answer: 1, 2, 3 … */
export interface ToldChunk {
  readonly place: number;
  readonly chunk: UiChunk;
}

const headers = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-store',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
  'x-vercel-ai-ui-message-stream': 'v1',
} as const;

const answerRules = {
  answer: text,
  output: text,
  messageId: text,
  after: wholeNumber(0),
  resets: flag,
  failure: checked('a text or a function', (given) =>
    ['string', 'function'].includes(typeof given),
  ),
  signal: abortSignal,
} as const;
const checkAnswer = optionsOf<AnswerOptions>(answerRules);

const texts: Readonly<Record<AnswerFailure['status'], string>> = {
  failed: 'The answer has failed.',
  quarantined: 'The run of this answer is quarantined. It goes on when somebody resumes it.',
  deleted: 'The run of this answer was deleted.',
};

type RunEnd = Awaited<ReturnType<AnsweringRun['info']>>;

/** What is kept of an answer, then what comes, until it is complete. */
async function* toldChunks(
  run: AnsweringRun,
  options: AnswerOptions,
  signal: AbortSignal,
): AsyncGenerator<ToldChunk> {
  const { answer = 'answer', output: name = 'ui', after = 0, resets = true } = options;
  const { messageId = `${run.id}:${answer}`, failure = (of: AnswerFailure) => texts[of.status] } =
    options;
  const told = new UiAnswer({ answer, messageId, resets });
  let place = 0;
  const placed = (chunks: readonly UiChunk[]): ToldChunk[] =>
    chunks.map((chunk) => ({ place: (place += 1), chunk })).filter((one) => one.place > after);
  // A run that was never there fails the stream; one that goes while it is read is told.
  await run.info();
  let end: RunEnd;
  try {
    for await (const chunk of run.output({ name: name as never, signal })) {
      yield* placed(told.next(chunk));
      if (told.isOver) return;
    }
    if (signal.aborted) return;
    end = await run.info();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    end = { status: 'deleted' };
  }
  yield* placed(told.finish(toLast(run.id, end, failure)));
}

/** The last chunk of an answer whose run goes on no more. */
function toLast(
  run: string,
  { status, error }: RunEnd,
  failure: NonNullable<AnswerOptions['failure']>,
): UiChunk {
  if (status === 'completed') return { type: 'finish' };
  if (status === 'cancelled') return { type: 'abort' };
  const how = status === 'quarantined' || status === 'deleted' ? status : 'failed';
  const errorText = typeof failure === 'string' ? failure : failure({ run, status: how, error });
  return { type: 'error', errorText };
}

function isNotFound(error: unknown): boolean {
  return PawlError.is(error) && error.code === 'PAWL_RUN_NOT_FOUND';
}

/** As the AI SDK writes it, with the place of each as the id of its event. */
async function* toEvents(told: AsyncGenerator<ToldChunk>): AsyncGenerator<string> {
  for await (const { place, chunk } of told) {
    yield `id: ${place}\ndata: ${JSON.stringify(chunk)}\n\n`;
  }
  yield 'data: [DONE]\n\n';
}

/** The text of an answer's events. Each reader of the answer gets the same text. */
export function answerEvents(
  run: AnsweringRun,
  options: AnswerOptions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  return toEvents(toldChunks(run, options, signal));
}

/**
 * An answer of a run as a stream of chunks, for `readUIMessageStream` of the AI SDK. It has what is kept, then what comes,
 * until the answer is complete. Each reader of an answer gets the same chunks.
 * @throws InvalidError for an option that does not fit. The stream fails with RunError when there is no such run.
 */
export function uiMessageStream(
  run: AnsweringRun,
  options: AnswerOptions = {},
): ReadableStream<UiChunk> {
  checkAnswer(options, 'uiMessageStream options');
  const left = new AbortController();
  const { signal = left.signal } = options;
  const told = toldChunks(run, options, AbortSignal.any([signal, left.signal]));
  return new ReadableStream<UiChunk>({
    async pull(controller) {
      const next = await told.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value.chunk);
    },
    cancel: () => left.abort(),
  });
}

/**
 * The same as a response, which `useChat` of the AI SDK reads.
 * @throws InvalidError for an option that does not fit.
 */
export function uiMessageResponse(run: AnsweringRun, options: AnswerOptions = {}): Response {
  checkAnswer(options, 'uiMessageResponse options');
  const { signal = new AbortController().signal } = options;
  const make = (left: AbortSignal): AsyncGenerator<string> => answerEvents(run, options, left);
  return new Response(textStream(make, { signal, ping: ': ping\n\n' }), { headers });
}

/** An answer that a request may read. */
export interface FoundAnswer extends Omit<AnswerOptions, 'after' | 'signal'> {
  /** The id of the run. */
  readonly run: string;
}

/** Which answer a request gets. */
export interface ServeAnswersOptions {
  /**
   * Returns the answer that the request may read, or the response that refuses it: 204 tells `useChat` that there is
   * nothing to go on with. Everybody whose request leads to an answer reads it, so check who asks here.
   */
  readonly find: (request: Request) => FoundAnswer | Response | Promise<FoundAnswer | Response>;
}

const checkServe = optionsOf<ServeAnswersOptions>({ find: needed(callback) });

/**
 * Makes the route with which a page goes on reading an answer: `export const GET = serveAnswers(pawl, { find })`. It answers
 * from the beginning, or after the event that `Last-Event-ID` names, and with 404 when there is no such run.
 * @throws InvalidError when `find` is no function.
 */
export function serveAnswers(
  pawl: Pick<Pawl, 'run'>,
  options: ServeAnswersOptions,
): (request: Request) => Promise<Response> {
  checkServe(options, 'serveAnswers options');
  return async (request) => {
    const found = await options.find(request);
    if (found instanceof Response) return found;
    const { run: id, ...answer } = found;
    const run = pawl.run(id);
    const after = Number(request.headers.get('last-event-id') ?? 0);
    if (!Number.isSafeInteger(after) || after < 0) return new Response(null, { status: 400 });
    try {
      await run.info();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return new Response(null, { status: 404 });
    }
    return uiMessageResponse(run, { ...answer, after, signal: request.signal });
  };
}
