/**
 * The load of a chat: recorded conversations, some at a time, while workers get SIGKILL again and again. Each answer that a
 * page has must be what was recorded, with each call of a tool once, and so must be what the runs keep.
 *
 * Needs `PAWL_CHAT_MODEL=recorded` before the example is loaded, here and in its workers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordedTurn, recordedTurns } from '../../../examples/agent-chat/recorded.ts';
import type { Transcript } from '../../../examples/agent-chat/transcript.ts';
import { Visitor } from '../../../examples/agent-chat/visitor.ts';
import { conversation } from '../../../examples/agent-chat/workflow.ts';
import { randomOf } from '../../programs/program.ts';
import { withChat } from './chat.ts';

export interface RecordedReport {
  readonly conversations: number;
  readonly answers: number;
  readonly calls: number;
  readonly kills: number;
  /** Halves of answers that pages have dropped. */
  readonly drops: number;
  readonly violations: readonly string[];
}

const atOnce = 6;
/** An answer must have time to end: a run that keeps losing its workers is quarantined. */
const betweenKillsMs = 3_500;

export async function recordedTrial({
  conversations,
  seed,
}: {
  readonly conversations: number;
  readonly seed: number;
}): Promise<RecordedReport> {
  const random = randomOf(seed);
  const all = [...recordedTurns().values()];
  const chosen = Array.from(
    { length: conversations },
    () => all[Math.floor(random() * all.length)],
  );
  const left = chosen.flatMap((turns, i) =>
    turns === undefined ? [] : [{ id: `chat-${i}`, turns }],
  );
  const violations: string[] = [];
  let [answers, calls, kills, drops] = [0, 0, 0, 0];
  await withChat('recorded-chat', async ({ pawl, fleet, url }) => {
    const talk = async ({ id, turns }: { id: string; turns: readonly RecordedTurn[] }) => {
      const visitor = new Visitor(url, id);
      await visitor.enter();
      for (const [turn, recorded] of turns.entries()) {
        const page = await visitor.ask(recorded.question);
        answers += 1;
        calls += recorded.calls.length;
        drops += page.drops;
        violations.push(
          ...differences(recorded, page).map((what) => `${id}, turn ${turn}: ${what}`),
        );
      }
      const wanted = turns.flatMap(({ question, calls: made }) => [
        question,
        made.map(({ text }) => text).join(''),
      ]);
      const kept = await keptBy(() => pawl.run(conversation, id).state(), wanted.length);
      if (JSON.stringify(kept) !== JSON.stringify(wanted))
        violations.push(`${id}: the run keeps other texts`);
    };
    const over = new AbortController();
    const killing = (async () => {
      while (!over.signal.aborted) {
        await sleep(betweenKillsMs * (0.5 + random()));
        const [victim] = fleet.ids.toSorted(() => random() - 0.5);
        if (fleet.size < 2 || victim === undefined) continue;
        if (await fleet.kill(victim)) kills += 1;
      }
    })();
    const talkInTurn = async (): Promise<void> => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await talk(one);
    };
    await Promise.all(Array.from({ length: atOnce }, talkInTurn)).finally(() => {
      over.abort();
    });
    await killing;
  });
  return { conversations, answers, calls, kills, drops, violations };
}

function differences({ calls }: RecordedTurn, page: Transcript): string[] {
  const made = calls.flatMap(({ tool }) => (tool === undefined ? [] : [tool]));
  const shown = page.parts.filter(({ kind }) => kind === 'tool');
  return [
    ...(page.text === calls.map(({ text }) => text).join('') ? [] : [`the page has ${page.text}`]),
    ...(page.parts.some(({ kind }) => kind === 'error') ? ['the page shows an error'] : []),
    ...(shown.length === made.length ? [] : [`${shown.length} of ${made.length} calls`]),
    ...made.flatMap(({ result }, i) =>
      shown[i]?.text === JSON.stringify(result) ? [] : [`call ${i} has another result`],
    ),
  ];
}

/** What a run keeps is stored a moment after the page has it. */
async function keptBy(
  read: () => Promise<{ readonly messages: readonly { readonly content: string }[] }>,
  count: number,
): Promise<readonly string[]> {
  for (let tries = 0; ; tries++) {
    const { messages } = await read();
    if (messages.length >= count || tries > 500) return messages.map(({ content }) => content);
    await sleep(20);
  }
}
