/**
 * The trial of a chat: answers of 500 words, each of which loses its worker to SIGKILL in the middle, read by the page's own
 * transcript. Every transcript must have all words once, and be what the run keeps of the conversation.
 *
 * Uses the compiled example, since its workers are processes of their own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Visitor } from '../../../examples/agent-chat/visitor.ts';
import { conversation } from '../../../examples/agent-chat/workflow.ts';
import type { Pawl } from '../../../src/index.ts';
import { randomOf } from '../../programs/program.ts';
import { withChat } from './chat.ts';

export interface ChatReport {
  readonly answers: number;
  /** Halves of answers that the page has dropped, because their worker was killed. */
  readonly drops: number;
  /** From the kill to the first word of the next worker, in milliseconds. */
  readonly gapMs: { readonly p50: number; readonly p99: number };
  readonly violations: readonly string[];
}

const words = 500;
const wanted = Array.from({ length: words }, (_, i) => `w${i + 1}`).join(' ');
const storedMsMax = 10_000;

export async function trial({
  answers,
  seed,
}: {
  answers: number;
  seed: number;
}): Promise<ChatReport> {
  const random = randomOf(seed);
  const gaps: number[] = [];
  const violations: string[] = [];
  let drops = 0;
  await withChat('chat-trial', async ({ pawl, fleet, url }) => {
    for (let i = 0; i < answers; i++) {
      const id = `chat-${i}`;
      const visitor = new Visitor(url, id);
      await visitor.enter();
      const answer = await cutAnswer(visitor, 20 + Math.floor(random() * (words - 60)));
      drops += answer.drops;
      if (answer.gapMs === undefined) violations.push(`${id} was not cut`);
      else gaps.push(answer.gapMs);
      if (answer.text !== wanted) violations.push(`${id}: the page has ${answer.text}`);
      const kept = await keptAnswer(pawl, id);
      if (kept !== answer.text) violations.push(`${id}: the run keeps ${kept}`);
      while (fleet.size < 2) await sleep(20);
    }
  });
  const sorted = gaps.toSorted((a, b) => a - b);
  const quantile = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { answers, drops, gapMs: { p50: quantile(0.5), p99: quantile(0.99) }, violations };
}

interface CutAnswer {
  readonly text: string;
  readonly drops: number;
  readonly gapMs: number | undefined;
}

/** Asks, and kills the worker after so many words. */
async function cutAnswer(visitor: Visitor, after: number): Promise<CutAnswer> {
  let killing: Promise<void> | undefined;
  let killedAt = 0;
  let gapMs: number | undefined;
  const { text, drops } = await visitor.ask(`Say ${words} words`, (transcript) => {
    if (killing === undefined) {
      if (!transcript.text.includes(`w${after} `)) return;
      killedAt = performance.now();
      killing = visitor.kill();
    } else if (transcript.drops > 0) gapMs ??= performance.now() - killedAt;
  });
  await killing;
  return { text, drops, gapMs };
}

/** The last thing that a conversation keeps; it is stored a moment after the page has it. */
async function keptAnswer(pawl: Pawl, id: string): Promise<string> {
  const until = performance.now() + storedMsMax;
  for (;;) {
    const { messages } = await pawl.run(conversation, id).state();
    const last = messages.at(-1);
    if (last?.role === 'assistant') return last.content;
    if (performance.now() > until) return 'nothing';
    await sleep(20);
  }
}
