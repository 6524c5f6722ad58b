/** A worker of the trial: `node worker-process.js '{"url":…,"prefix":…}'`. It is killed from outside. */
import { Pawl } from '../../../src/index.ts';
import { served } from './workflow.ts';

const { url, prefix } = JSON.parse(process.argv[2] ?? '{}') as { url: string; prefix: string };

const pawl = await Pawl.open({ redis: url, prefix, logger: false });
const worker = pawl.worker({ workflows: [served], concurrency: 10 });
await worker.ready();
process.stdout.write(`${JSON.stringify({ message: 'ready' })}\n`);
