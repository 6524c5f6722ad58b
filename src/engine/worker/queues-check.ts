/** A queue that somebody has paused in BullMQ holds runs back, and nothing is wrong otherwise. */
import type { QueueInfo } from '../../core/queue.ts';
import type { Check } from '../../core/doctor.ts';

/** What the doctor says of the queues. @throws what reading them throws. */
export async function queuesCheck(read: () => Promise<readonly QueueInfo[]>): Promise<Check> {
  const about = { name: 'queues', expected: 'none that is paused' };
  const queues = await read();
  const paused = queues.filter((one) => one.paused).map(({ workflow }) => workflow);
  if (paused.length === 0) {
    return { ...about, status: 'ok', found: `none of ${queues.length} is paused` };
  }
  return {
    ...about,
    status: 'warn',
    found: `paused in BullMQ: ${paused.join(', ')}`,
    fix: 'Their runs wait. Resume the queue in your dashboard of BullMQ.',
  };
}
