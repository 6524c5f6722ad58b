/**
 * What an operation costs in processor time, of this process and of Redis: it says what bounds a rate, and other work on the
 * machine hardly changes it.
 */
import { Redis } from 'ioredis';
import { measureRate } from './timing.ts';
import type { Figure, Samples } from './workload.ts';

export const clientTime: Figure = { name: 'client time', unit: 'µs', better: 'lower' };
export const serverTime: Figure = { name: 'server time', unit: 'µs', better: 'lower' };

/** Processor time of this process and of Redis while `work` is done, which resolves with how many operations it was. */
export async function measureTimes(url: string, work: () => Promise<number>): Promise<Samples> {
  const redis = new Redis(url);
  const serverMicros = async (): Promise<number> => {
    const info = await redis.info('cpu');
    const field = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
    return (field('used_cpu_user') + field('used_cpu_sys')) * 1e6;
  };
  const serverBefore = await serverMicros();
  const before = process.cpuUsage();
  const done = await work();
  const { user, system } = process.cpuUsage(before);
  const server = (await serverMicros()) - serverBefore;
  redis.disconnect();
  return { [clientTime.name]: [(user + system) / done], [serverTime.name]: [server / done] };
}

/** As `measureRate`, for operations of `size` each; with the processor time for one. */
export async function measureCost(
  { url, slotMs }: { readonly url: string; readonly slotMs: number },
  { loops, size }: { readonly loops: number; readonly size: number },
  operation: (loop: number, turn: number) => Promise<unknown>,
): Promise<Samples> {
  let value = 0;
  const times = await measureTimes(url, async () => {
    let done = 0;
    value = await measureRate(slotMs, loops, async (loop, turn) => {
      await operation(loop, turn);
      done += size;
    });
    return done;
  });
  return { rate: [value * size], ...times };
}
