import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

/** How the effects of a script begin in the file. */
const transaction = '*1\r\n$5\r\nMULTI\r\n';

/**
 * Power loss under `appendfsync everysec`: Redis comes back without the end of its append-only file. A SIGKILL alone
 * loses next to nothing, because the system still has what was not flushed; so the end of the file is cut off, before
 * the effects of a script. (In the middle of them Redis leaves the torn half in its file, and executes it after the next
 * restart together with what came later: that is its own affair.)
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
    const content = await readFile(file);
    const cut = content.length - Math.min(random.whole(1, 60_000), Math.floor(content.length / 2));
    const end = content.lastIndexOf(transaction, cut);
    await truncate(file, end);
    say(`the last ${content.length - end} of ${content.length} bytes are gone`);
    await server.restart();
    await sleep(random.whole(1_000, 3_000));
  },
};
