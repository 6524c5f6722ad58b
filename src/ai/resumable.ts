/**
 * The functions of the package `resumable-stream`, over runs: code that is written for it goes on with a producer that may
 * die. A stream is the text of an answer's events, the same for each reader, so a number of characters is a place in it.
 */
import { PawlError } from '../core/errors.ts';
import { optionsOf, text } from '../core/option-rules.ts';
import type { Pawl } from '../pawl.ts';
import { answerEvents } from './ui-stream.ts';

/** Where the streams are; the id of a stream is the id of a run. */
export interface ResumableStreamOptions {
  /** The name of the answer in its run. Default: `answer`. */
  readonly answer?: string;
  /** The output of the run that has it. Default: `ui`. */
  readonly output?: string;
}

/** Streams by their ids, as `resumable-stream` has them. Null: the run has ended, so read what it has left. */
export interface ResumableStreams {
  /** Goes on with the stream, after `skipCharacters`. Where there is no such run, it calls `start`, which starts one. */
  resumableStream(
    id: string,
    start: () => unknown,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null>;
  /** As above. `start` is called each time: to start a run that is there changes nothing. */
  createNewResumableStream(
    id: string,
    start: () => unknown,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null>;
  /** Goes on with the stream; undefined when there is no such run. */
  resumeExistingStream(
    id: string,
    skipCharacters?: number,
  ): Promise<ReadableStream<string> | null | undefined>;
  /** True while the run goes on, `DONE` when it has ended, null when there is none. */
  hasExistingStream(id: string): Promise<true | 'DONE' | null>;
}

const checkOptions = optionsOf<ResumableStreamOptions>({ answer: text, output: text });

/**
 * Makes the functions of a context of `resumable-stream`: `resumableStreams(pawl)` in place of
 * `createResumableStreamContext({ waitUntil })`.
 * @throws InvalidError for an option that does not fit.
 */
export function resumableStreams(
  pawl: Pick<Pawl, 'run'>,
  options: ResumableStreamOptions = {},
): ResumableStreams {
  checkOptions(options, 'resumableStreams options');
  const hasExistingStream = async (id: string): Promise<true | 'DONE' | null> => {
    try {
      const { status } = await pawl.run(id).info();
      return ['completed', 'failed', 'cancelled'].includes(status) ? 'DONE' : true;
    } catch (error) {
      if (PawlError.is(error) && error.code === 'PAWL_RUN_NOT_FOUND') return null;
      throw error;
    }
  };
  const open = (id: string, skipCharacters: number): ReadableStream<string> => {
    const left = new AbortController();
    const events = answerEvents(pawl.run(id), options, left.signal);
    let skipped = 0;
    return new ReadableStream<string>({
      async pull(controller) {
        for (;;) {
          const { done, value } = await events.next();
          if (done === true) return controller.close();
          const rest = value.slice(Math.max(0, skipCharacters - skipped));
          skipped += value.length;
          if (rest !== '') return controller.enqueue(rest);
        }
      },
      cancel: () => left.abort(),
    });
  };
  const createNewResumableStream: ResumableStreams['createNewResumableStream'] = async (
    id,
    start,
    skipCharacters = 0,
  ) => {
    await start();
    return (await hasExistingStream(id)) === 'DONE' ? null : open(id, skipCharacters);
  };
  return {
    hasExistingStream,
    createNewResumableStream,
    async resumeExistingStream(id, skipCharacters = 0) {
      const found = await hasExistingStream(id);
      if (found === null) return undefined;
      return found === 'DONE' ? null : open(id, skipCharacters);
    },
    async resumableStream(id, start, skipCharacters = 0) {
      const found = await hasExistingStream(id);
      if (found === null) return createNewResumableStream(id, start, skipCharacters);
      return found === 'DONE' ? null : open(id, skipCharacters);
    },
  };
}
