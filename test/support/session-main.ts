/**
 * A writer to a session of OpenAI Agents, to be killed at any moment and started again where it was:
 * `node session-main.js '{"url":…,"prefix":…,"writer":"a","from":0,"to":40}'`. It prints what it has written.
 */
import { Pawl } from '../../src/index.ts';
import { PawlSession } from '../../src/openai-agents.ts';

export interface WriterSetup {
  readonly url: string;
  readonly prefix: string;
  readonly writer: string;
  /** The number of its first change. */
  readonly from: number;
  readonly to: number;
}

const { url, prefix, writer, from, to } = JSON.parse(process.argv[2] ?? '{}') as WriterSetup;
const say = (said: object): void => console.log(JSON.stringify(said));

const pawl = await Pawl.open({ redis: url, prefix });
const session = new PawlSession(pawl, { sessionId: 'shared' });
say({ message: 'ready' });
for (let i = from; i < to; i += 1) {
  const text = `${writer} ${i}`;
  const items = [text, `${text}, too`].map((content) => ({ role: 'user' as const, content }));
  await session.applyHistoryTransaction({
    operationId: text,
    transaction: { type: 'append_items', items },
  });
  say({ written: i });
}
await pawl.close();
say({ message: 'done' });
