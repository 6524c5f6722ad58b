/**
 * How a run takes the thread of its graph, so that nobody else writes to it.
 *
 * A worker that has lost the run may be frozen anywhere, and must not take the thread when it thaws. Its first taking is
 * told from a late one by this order: it looks who holds the thread; the store confirms the claim of the run, by the
 * commit that begins the effect; then it takes the thread from whom it saw. Whoever has the run after it takes the thread
 * as well, so what it saw is no more. A run that has had the thread names its claim alone: the thread goes to later claims
 * of the same run, never back, and never from another run.
 *
 *   no thread yet ──look──▶ confirmed ──hold──▶ the run has it ──hold by a later claim──▶ the run has it
 *                             crash here: the next claim looks again   └──another run takes it──▶ this run fails
 *   a fork ──look──▶ confirmed ──copy that the run holds──▶ the run has it
 *
 * Crash behind the hold or the copy, before the log has it: the next claim sees this run as the holder, and takes it from
 * itself.
 */
import { NonRetryableError, PawlError } from '../core/errors.ts';
import { holdKey, type ThreadHold } from '../langgraph/thread-hold.ts';
import { holdsOf, type ThreadSaver } from '../langgraph/thread-saver.ts';
import { type CompiledGraph, type GraphConfig, positionOf } from './compiled-graph.ts';
import type { GraphContext } from './state.ts';

export interface TakenThread {
  readonly hold: ThreadHold;
  /** Names the thread and who holds it, for every call of the graph. */
  readonly config: GraphConfig;
}

interface About {
  readonly graph: CompiledGraph;
  readonly saver: ThreadSaver;
  /** The one that the run was started for. */
  readonly thread: string;
  readonly config: GraphConfig;
}

/** @throws NonRetryableError when another run has taken the thread, or it was deleted. */
export async function takeThread(ctx: GraphContext, about: About): Promise<TakenThread> {
  const { run, fence } = ctx;
  const holds = holdsOf(about.saver);
  const had = ctx.state.thread;
  const taken = had?.run === run ? undefined : await takeFirst(ctx, about, had?.id);
  const thread = ctx.state.thread?.id ?? about.thread;
  const hold = taken ?? (await final(holds.take(thread, { by: run, fence }, 'again')));
  return { hold, config: configOf(about, thread, hold) };
}

/**
 * A fork comes with the thread of another run, `source`. It gets one of its own, with its own id, that is the other one as
 * it was at the last checkpoint of the fork. The nodes after it run again.
 * @returns Undefined when an attempt before this one has taken it.
 */
async function takeFirst(
  ctx: GraphContext,
  about: About,
  source: string | undefined,
): Promise<ThreadHold | undefined> {
  const { run, fence } = ctx;
  const { checkpoint } = ctx.state.from ?? {};
  const holds = holdsOf(about.saver);
  const thread = source === undefined ? about.thread : run;
  const holder = await holds.holderOf(thread);
  let hold: ThreadHold | undefined;
  await ctx.effect(
    source === undefined ? 'thread' : `thread of ${run}`,
    async (step) => {
      const claim = { by: run, fence };
      hold = await final(
        source === undefined || checkpoint === undefined
          ? holds.take(thread, claim, { holder })
          : holds.fork(source, { threadId: thread, checkpoint }, claim),
      );
      const from = await positionOf(about.graph, configOf(about, thread, hold));
      step.set({ thread: { id: thread, run }, from });
    },
    { onDoubt: 'retry' },
  );
  return hold;
}

function configOf({ config }: About, thread: string, hold: ThreadHold): GraphConfig {
  return {
    ...config,
    configurable: { ...config.configurable, thread_id: thread, [holdKey]: hold },
  };
}

/** What is refused once is refused for ever. */
async function final<T>(holding: Promise<T>): Promise<T> {
  try {
    return await holding;
  } catch (error) {
    const isRefused =
      PawlError.is(error) &&
      ['PAWL_THREAD_TAKEN', 'PAWL_RUN_EXISTS', 'PAWL_INVALID'].includes(error.code);
    throw isRefused ? new NonRetryableError(error.message, { cause: error }) : error;
  }
}
