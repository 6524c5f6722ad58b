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
 *
 * Crash behind the hold, before the log has it: the next claim sees this run as the holder, and takes it from itself.
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

/** @throws NonRetryableError when another run has taken the thread, or it was deleted. */
export async function takeThread(
  ctx: GraphContext,
  about: {
    readonly graph: CompiledGraph;
    readonly saver: ThreadSaver;
    readonly thread: string;
    readonly config: GraphConfig;
  },
): Promise<TakenThread> {
  const { graph, thread } = about;
  const holds = holdsOf(about.saver);
  const claim = { by: ctx.run, fence: ctx.fence };
  const configOf = (hold: ThreadHold): GraphConfig => ({
    ...about.config,
    configurable: { ...about.config.configurable, thread_id: thread, [holdKey]: hold },
  });
  if (ctx.state.from !== undefined) {
    const hold = await final(holds.take(thread, claim, 'again'));
    return { hold, config: configOf(hold) };
  }
  const holder = await holds.holderOf(thread);
  let hold: ThreadHold | undefined;
  await ctx.effect(
    'thread',
    async (step) => {
      hold = await final(holds.take(thread, claim, { holder }));
      step.set({ from: await positionOf(graph, configOf(hold)) });
    },
    { onDoubt: 'retry' },
  );
  hold ??= await final(holds.take(thread, claim, 'again'));
  return { hold, config: configOf(hold) };
}

/** What is refused once is refused for ever. */
async function final<T>(holding: Promise<T>): Promise<T> {
  try {
    return await holding;
  } catch (error) {
    const isRefused =
      PawlError.is(error) && ['PAWL_THREAD_TAKEN', 'PAWL_RUN_EXISTS'].includes(error.code);
    throw isRefused ? new NonRetryableError(error.message, { cause: error }) : error;
  }
}
