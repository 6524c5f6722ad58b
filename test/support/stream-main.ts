/**
 * A producer of a resumable stream, to be killed or frozen: `node stream-main.js '{"url":…,"prefix":…,"to":9}'`. It makes
 * the stream or takes it over, goes on with the number after the last one, and prints what it has stored.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { resumableStore } from '../../src/assistant-ui.ts';
import { Pawl } from '../../src/index.ts';

export interface ProducerSetup {
  readonly url: string;
  readonly prefix: string;
  /** The number that ends the stream. */
  readonly to: number;
}

const { url, prefix, to } = JSON.parse(process.argv[2] ?? '{}') as ProducerSetup;
const say = (said: object): void => console.log(JSON.stringify(said));

const pawl = await Pawl.open({ redis: url, prefix });
const store = resumableStore(pawl);
const made = await store.acquireLease('s');
const lease = made.role === 'producer' ? made.lease : await store.takeOver('s');
let next = 0;
for await (const _ of pawl.run('stream~s').output({ live: false })) next += 1;
say({ message: 'ready', next });
try {
  for (; next < to; next += 1) {
    await store.append('s', new TextEncoder().encode(`${next} `), lease ?? undefined);
    say({ stored: next });
    await pause(2);
  }
  say({ finished: await store.finalize('s', 'done', undefined, lease ?? undefined) });
} catch (error) {
  say({ refused: (error as { code?: string }).code });
}
await pawl.close();
