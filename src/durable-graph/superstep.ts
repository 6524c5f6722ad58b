/**
 * One superstep of a graph as one step of a run: its nodes run, and the thread has a new checkpoint.
 *
 *   the thread is where the run left it ──▶ input, answers or nothing is given to the graph ──▶ where it is now
 *   the thread is elsewhere ──▶ where it is now: an attempt before this one, or a person, has moved it
 *
 * Crash before the graph has stored anything: the next attempt does the same again. Crash after some nodes have stored
 * their writes: the next attempt runs the others only. Crash after the checkpoint: the next attempt finds the thread
 * elsewhere, and runs nothing.
 *
 * An answer is given once. A graph inside of a node may have taken it and asked the next question, while the node still
 * shows the one before, because another node has failed. LangGraph would take that answer for the next question's. So an
 * attempt that may not be the first one lets the graph go on without answers, and then looks what it asks.
 */
import { NonRetryableError } from '../core/errors.ts';
import type { ThreadHold } from '../langgraph/thread-hold.ts';
import {
  type CompiledGraph,
  type GraphConfig,
  type GraphStreamMode,
  type Position,
  positionOf,
} from './compiled-graph.ts';
import { toPlain } from './plain.ts';

/** A chunk of a graph, as pages and other readers get it. */
export interface GraphChunk {
  /** In which of LangGraph's modes it was streamed. */
  readonly mode: GraphStreamMode;
  /** The graphs inside of which it was made; empty for the graph itself. */
  readonly path: readonly string[];
  /** Plain data. A message is an object with its `type`. */
  readonly data: unknown;
}

/** `enter`: the input of the run is stored, and no node runs yet. */
export type Given =
  | { readonly kind: 'enter'; readonly input: unknown }
  | {
      readonly kind: 'go';
      readonly answers: ReadonlyMap<string, unknown>;
      /** An attempt before this one may have given some of the answers. */
      readonly mayBeGiven: boolean;
    };

export interface Superstep {
  readonly graph: CompiledGraph;
  readonly config: GraphConfig;
  readonly hold: ThreadHold;
  readonly modes: readonly GraphStreamMode[];
  /** Where the run left the thread. */
  readonly from: Position;
  readonly given: Given;
  readonly signal: AbortSignal;
  readonly give: (chunk: GraphChunk) => Promise<void>;
}

type Streamed = readonly [path: readonly string[], mode: GraphStreamMode, data: unknown];

const all = '*';
const none: readonly string[] = [];

/** @throws What a node throws; NonRetryableError when the thread was taken away. */
export async function superstep(about: Superstep): Promise<Position> {
  const { graph, config, from, given } = about;
  const now = await positionOf(graph, config);
  const answers = given.kind === 'go' ? given.answers : new Map<string, unknown>();
  const answered = new Set(answers.keys());
  const hasMoved = ({ checkpoint }: Position): boolean => checkpoint !== from.checkpoint;
  if (hasMoved(now)) return positionOf(graph, config, answered);
  if (given.kind === 'enter') {
    await execute(about, given.input);
    return positionOf(graph, config);
  }
  let asked = now;
  if (given.mayBeGiven) {
    await execute(about, null);
    asked = await positionOf(graph, config);
    if (hasMoved(asked)) return asked;
  }
  const open = asked.questions.filter(({ id }) => answers.has(id));
  // Another question stands open: the answers were given.
  if (answered.size > 0 && open.length === 0 && asked.questions.length > 0) {
    return positionOf(graph, config, answered);
  }
  await execute(about, await commandOf(open.map(({ id }) => [id, answers.get(id)] as const)));
  return positionOf(graph, config, answered);
}

async function execute(about: Superstep, input: unknown): Promise<void> {
  const { graph, config, hold, given, signal } = about;
  const stops =
    given.kind === 'enter'
      ? { interruptBefore: all, interruptAfter: none }
      : { interruptBefore: none, interruptAfter: all };
  const options = {
    ...config,
    ...stops,
    durability: 'sync',
    subgraphs: true,
    streamMode: about.modes,
    signal: AbortSignal.any([signal, hold.signal]),
  };
  try {
    await tell(await graph.stream(input as never, options as never), about);
  } catch (error) {
    if (hold.signal.aborted) throw takenAway(hold.signal.reason);
    throw error;
  }
}

/** What gives LangGraph its answers; null lets it go on. */
async function commandOf(
  answers: readonly (readonly [id: string, answer: unknown])[],
): Promise<unknown> {
  if (answers.length === 0) return null;
  const { Command } = await import('@langchain/langgraph');
  return new Command({ resume: Object.fromEntries(answers) });
}

async function tell(
  stream: AsyncIterable<unknown>,
  { given, give }: Pick<Superstep, 'given' | 'give'>,
): Promise<void> {
  // A graph that goes on tells its values once more.
  let isKnown = given.kind === 'go';
  for await (const [path, mode, data] of stream as AsyncIterable<Streamed>) {
    if (isStop(data)) continue;
    const repeats = isKnown && mode === 'values' && path.length === 0;
    if (repeats) isKnown = false;
    else await give({ mode, path: [...path], data: toPlain(data) });
  }
}

/** LangGraph stops after each superstep, because it was asked to, and says so. */
function isStop(data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false;
  const interrupts: unknown = Reflect.get(data, '__interrupt__');
  return Array.isArray(interrupts) && interrupts.length === 0;
}

function takenAway(reason: unknown): NonRetryableError {
  const message = reason instanceof Error ? reason.message : String(reason);
  return new NonRetryableError(message, { cause: reason });
}
