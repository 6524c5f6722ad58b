/** What a graph has streamed, for any process: kept chunks first, then those that come. */
import { Pieces } from '../agents/pieces.ts';
import { abortSignal, flag, optionsOf, text } from '../core/option-rules.ts';
import type { OutputChunk } from '../engine/definition/outputs.ts';
import type { GraphChunk } from './superstep.ts';

/** A run of a graph, as far as its stream is read. */
export interface StreamingRun {
  /** As that of a handle. */
  output(options: {
    readonly name: never;
    readonly live?: boolean;
    readonly signal?: AbortSignal;
  }): AsyncGenerator<OutputChunk>;
}

/** What of a stream is read. */
export interface GraphStreamOptions {
  /** The output of the run, as `durableGraph` was given it. Default: `graph`. */
  readonly output?: string;
  /** False: ends after the chunks that are kept. Default: it ends when the run does. */
  readonly live?: boolean;
  /** Ends the stream; the run goes on. */
  readonly signal?: AbortSignal;
}

/** A chunk of a graph, and the superstep that it is of. */
export interface StreamedChunk extends GraphChunk {
  /** The step of the run: its number and its nodes. */
  readonly step: string;
  /** The superstep begins again, because its worker died or a node failed: drop what it has said so far. */
  readonly begins: boolean;
}

const check = optionsOf<GraphStreamOptions>({ output: text, live: flag, signal: abortSignal });

/**
 * Reads the stream of a graph's run, with `mode`, `path` and `data` as LangGraph's `stream` has them.
 * @throws InvalidError for an option that does not fit; RunError when there is no such run.
 */
export async function* graphStream(
  run: StreamingRun,
  options: GraphStreamOptions = {},
): AsyncGenerator<StreamedChunk> {
  check(options, 'graphStream options');
  const { output = 'graph', ...reading } = options;
  const pieces = new Pieces();
  const begun = new Set<string>();
  for await (const { step, begins, value } of run.output({ ...reading, name: output as never })) {
    const chunk = pieces.add(step, begins, value) as GraphChunk | undefined;
    if (begins) begun.add(step);
    if (chunk === undefined) continue;
    yield { ...chunk, step, begins: begun.delete(step) };
  }
}
