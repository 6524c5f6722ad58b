/** A worker of the trial: `node worker-process.js '{"url":…,"prefix":…}'`. It is killed by what it executes. */
import { Pawl } from '../../../src/index.ts';
import { harmless, poisonous } from './workflows.ts';

const { url, prefix } = JSON.parse(process.argv[2] ?? '{}') as { url: string; prefix: string };

const pawl = await Pawl.open({ redis: url, prefix, logger: false });
const worker = pawl.worker({ workflows: [...poisonous, ...harmless], concurrency: 20 });
await worker.ready();
process.stdout.write(`${JSON.stringify({ message: 'ready' })}\n`);
