/** Whole runs as jobs of BullMQ, whose processor saves its state after each step. */
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Bed, type Caller, type Hands, Watch, type WorkerSetup } from './bed.ts';
import { resultOf, shapeOf } from './shapes.ts';

interface JobData {
  readonly id: string;
  readonly shape: string;
  readonly step: number;
  readonly result?: unknown;
}

const name = 'bench';

function connect(url: string): Redis {
  return new Redis(url, { maxRetriesPerRequest: null });
}

async function work(
  { url, concurrency, begun }: WorkerSetup,
  ended: (id: string) => void,
): Promise<Hands> {
  const connection = connect(url);
  const worker = new Worker<JobData>(
    name,
    async (job) => {
      const { id, shape } = job.data;
      const { sizes } = shapeOf(shape);
      for (let { step } = job.data; step < sizes.length; step++) {
        if (step === 0) begun(id);
        const result = resultOf(step, sizes[step] ?? 0);
        await job.updateData({ id, shape, step: step + 1, result });
      }
      ended(id);
    },
    { connection, concurrency },
  );
  await worker.waitUntilReady();
  return {
    close: async () => {
      await worker.close();
      connection.disconnect();
    },
  };
}

/** `waiting`: how the caller learns of an end. */
function bed(waiting: 'waitUntilFinished' | 'one listener'): Bed {
  return {
    async both(setup) {
      const connection = connect(setup.url);
      const queue = new Queue<JobData>(name, { connection });
      const watch = new Watch();
      const hands = await work(setup, (id) => watch.tell(id));
      return {
        start: async (id, shape) => {
          const ended = watch.next(id);
          await queue.add('run', { id, shape, step: 0 }, { removeOnComplete: true });
          return { ended };
        },
        close: async () => {
          await hands.close();
          await queue.close();
          connection.disconnect();
        },
      };
    },
    worker: (setup) => work(setup, () => undefined),
    async caller(url): Promise<Caller> {
      const [connection, listening] = [connect(url), connect(url)];
      const queue = new Queue<JobData>(name, { connection });
      const events = new QueueEvents(name, { connection: listening });
      // Listeners for each job that is waited for, as waitUntilFinished wants them.
      for (const one of [events, queue]) one.setMaxListeners(0);
      await events.waitUntilReady();
      const watch = new Watch();
      if (waiting === 'one listener') events.on('completed', ({ jobId }) => watch.tell(jobId));
      return {
        start: async (id, shape) => {
          const heard = waiting === 'one listener' ? watch.next(id) : undefined;
          const job = await queue.add('run', { id, shape, step: 0 }, { jobId: id });
          return { ended: heard ?? job.waitUntilFinished(events) };
        },
        close: async () => {
          await events.close();
          await queue.close();
          for (const one of [connection, listening]) one.disconnect();
        },
      };
    },
  };
}

/** As BullMQ's pages say. */
export const bullBed = bed('waitUntilFinished');
/** For who knows how to listen: one listener for all jobs, which are found by their ids. */
export const bullBedListening = bed('one listener');
