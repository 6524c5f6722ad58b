/** A process that computes, or writes to the Redis that it is given, until its parent has left. */
import { Redis } from 'ioredis';

const [, , url] = process.argv;
const writers = 16;
const written = 'x'.repeat(4_096);
/** In between it hears of its parent. */
const sliceMs = 5;

function compute(): void {
  const end = performance.now() + sliceMs;
  while (performance.now() < end);
  setImmediate(compute);
}

async function write(redis: Redis, writer: number): Promise<never> {
  for (;;) await redis.set(`written:${writer}`, written);
}

process.once('disconnect', () => process.exit());
if (url === undefined) {
  compute();
} else {
  const redis = new Redis(url);
  for (let writer = 0; writer < writers; writer++) void write(redis, writer);
}
process.send?.('loud');
