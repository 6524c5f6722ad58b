import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/**
 * Power loss under `appendfsync everysec`: Redis comes back without the end of its append-only file. A SIGKILL alone
 * loses next to nothing, because the system still has what was not flushed; so the end of the file is cut off.
 */
export const redisRewind: Fault = {
  name: 'redis-rewind',
  isLossy: true,
  async inject({ server, say }, random) {
    await sleep(1_000);
    await server.kill();
    const folder = join(server.dir, 'appendonlydir');
    const name = (await readdir(folder))
      .filter((file) => file.endsWith('.incr.aof'))
      .sort()
      .at(-1);
    if (name === undefined) throw new Error('Redis has no append-only file');
    const file = join(folder, name);
    const { size } = await stat(file);
    const lost = Math.min(random.whole(1, 60_000), Math.floor(size / 2));
    await truncate(file, size - lost);
    say(`the last ${lost} of ${size} bytes are gone`);
    await server.restart();
    await sleep(random.whole(1_000, 3_000));
  },
};
