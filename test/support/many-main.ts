/**
 * A worker process with little heap for runs of very many items: `node --max-old-space-size=256 many-main.js <url>
 * <prefix>`. Says with each line how much it holds.
 */
import { Pawl } from '../../src/index.ts';
import { album, photo, sums } from './many-workflows.ts';

const [url = '', prefix = ''] = process.argv.slice(2);
const mebi = 1_048_576;
const everyMs = 200;

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const pawl = await Pawl.open({ redis: url, prefix });
const worker = pawl.worker({ workflows: [album, photo, sums], concurrency: 200 });
await worker.ready();
say({ message: 'ready' });

let heapMb = 0;
let rssMb = 0;
setInterval(() => {
  const { heapUsed, rss } = process.memoryUsage();
  heapMb = Math.max(heapMb, Math.round(heapUsed / mebi));
  rssMb = Math.max(rssMb, Math.round(rss / mebi));
  say({ message: 'memory', heapMb, rssMb });
}, everyMs);
