/**
 * An ordinary BullMQ worker whose processor is wrapped: nothing else has to change. Runs in a process of its own.
 */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { durable, Pawl } from 'pawl';
import { pretend } from '../support/pretend.ts';
import { queueName } from './queue.ts';

const { PAWL_EXAMPLE_REDIS: redis = '', PAWL_EXAMPLE_PREFIX: prefix = '' } = process.env;
process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => {});

const pawl = await Pawl.open({ redis, prefix });

// Before: async (job) => { await download(job.data.file); await encode(…); await publish(…); }
const processor = durable<{ file: string }, string>(pawl, { name: 'video' }, async (ctx, job) => {
  const size = await ctx.step('download', async () => {
    await pretend(`download ${job.data.file}`);
    return 1_000;
  });
  await ctx.step('encode', () => pretend(`encode ${size} frames`, 800));
  await ctx.step('publish', () => pretend('publish'));
  return `${job.data.file} is online`;
});

const connection = new Redis(redis, { maxRetriesPerRequest: null });
const worker = new Worker(queueName(prefix), processor, {
  connection,
  prefix: `{${prefix}}:queue`,
});
process.on('SIGTERM', () => {
  void worker
    .close()
    .then(() => pawl.close({ graceMs: 1_000 }))
    .finally(() => process.exit(0));
});
await worker.waitUntilReady();
process.send?.('ready');
