/**
 * `npm run example -- durable-bullmq`: a BullMQ job whose worker dies in its second step goes on from there on another
 * worker, at once. BullMQ by itself would have begun from zero, after half a minute.
 */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Stage } from '../support/stage.ts';
import { WorkerProcess } from '../support/worker.ts';
import { queueName } from './queue.ts';

const program = new URL('./worker-process.js', import.meta.url);
const waitMsMax = 30_000;

export async function main(stage: Stage): Promise<void> {
  const { redis, prefix, pawl } = stage;
  const connection = new Redis(redis, { maxRetriesPerRequest: null });
  const queue = new Queue(queueName(prefix), { connection, prefix: `{${prefix}}:queue` });
  let onEncode: () => void = () => undefined;
  const encoding = new Promise<void>((resolve) => {
    onEncode = resolve;
  });
  const onLine = (line: string): void => {
    if (line.startsWith('encode')) onEncode();
  };

  const first = await WorkerProcess.start(stage, { label: 'worker 1', program, onLine });
  const second = await WorkerProcess.start(stage, { label: 'worker 2', program, onLine });
  // Each serves the queue; the one that begins to encode is killed.
  await queue.add('upload', { file: 'holiday.mov' }, { attempts: 3 });
  await encoding;
  const [victim, other] = first.lines.length > 0 ? [first, second] : [second, first];
  await victim.kill();
  stage.say(
    `${victim === first ? 'worker 1' : 'worker 2'} was killed (SIGKILL); another process goes on`,
  );

  // The job of the dead worker is BullMQ's to find, in its own time; the work itself goes on now.
  const [run] = (await pawl.list({ workflow: 'video' })).runs;
  if (run === undefined) throw new Error('the job has no run');
  const handle = pawl.run(run.id);
  stage.say(`result: ${String(await handle.result({ timeoutMs: waitMsMax }))}`);
  stage.say(`ran again: ${victim.lines.filter((line) => other.lines.includes(line)).join(', ')}`);
  await other.stop();
  await queue.close();
  connection.disconnect();
}
