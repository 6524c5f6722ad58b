/** Whole runs by hand, over lists: what Redis itself allows. */
import { Redis } from 'ioredis';
import { type Bed, type Caller, type Hands, Watch, type WorkerSetup } from './bed.ts';
import { resultOf, shapeOf } from './shapes.ts';

/** Callers elsewhere listen here. */
const ends = 'ends';

async function work(
  { url, concurrency, begun }: WorkerSetup,
  ended: (redis: Redis, id: string) => unknown,
): Promise<Hands> {
  const [redis, blocking] = [new Redis(url), new Redis(url)];
  let active = 0;
  let freed = (): void => undefined;
  const play = async (job: string): Promise<void> => {
    const [id = '', shape = ''] = job.split(' ');
    for (const [step, bytes] of shapeOf(shape).sizes.entries()) {
      if (step === 0) begun(id);
      const result = JSON.stringify(resultOf(step, bytes));
      await Promise.all([
        redis.xadd(`log:${id}`, '*', 'type', 'step', 'data', result),
        redis.hset(`run:${id}`, 'step', step, 'state', result),
      ]);
    }
    await Promise.all([redis.hset(`run:${id}`, 'status', 'completed'), ended(redis, id)]);
    active -= 1;
    freed();
  };
  const fetching = (async () => {
    for (;;) {
      if (active >= concurrency) await new Promise<void>((resolve) => (freed = resolve));
      const found = await blocking.brpop('queue', 0).catch(() => null);
      if (found === null) return;
      active += 1;
      void play(found[1]);
    }
  })();
  await redis.ping();
  return {
    close: async () => {
      blocking.disconnect();
      await fetching;
      redis.disconnect();
    },
  };
}

/** Starts runs, each with the promise of its end. */
function starting(redis: Redis, watch: Watch): Caller['start'] {
  return async (id, shape) => {
    const ended = watch.next(id);
    await Promise.all([
      redis.hset(`run:${id}`, 'status', 'queued'),
      redis.lpush('queue', `${id} ${shape}`),
    ]);
    return { ended };
  };
}

export const rawBed: Bed = {
  async both(setup) {
    const redis = new Redis(setup.url);
    const watch = new Watch();
    const hands = await work(setup, (_redis, id) => watch.tell(id));
    return {
      start: starting(redis, watch),
      close: async () => {
        await hands.close();
        redis.disconnect();
      },
    };
  },
  worker: (setup) => work(setup, (redis, id) => redis.publish(ends, id)),
  async caller(url): Promise<Caller> {
    const [redis, listening] = [new Redis(url), new Redis(url)];
    const watch = new Watch();
    listening.on('message', (_channel, id: string) => watch.tell(id));
    await listening.subscribe(ends);
    return {
      start: starting(redis, watch),
      close: async () => {
        listening.disconnect();
        redis.disconnect();
      },
    };
  },
};
