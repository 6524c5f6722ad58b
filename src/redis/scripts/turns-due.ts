/** What the turnstiles want of the sweeper. */
import type { DueTurns } from '../../core/turns.ts';
import type { Keys } from '../keys.ts';
import { toTurns } from '../keyed.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Wanted {
  readonly limit: number;
  readonly all: boolean;
}

export const turnsDue: StoreScript<Keys, Wanted, DueTurns> = {
  script: toScript('turnsDue', lua.turnsDue),
  keys: (keys) => [keys.turnstiles],
  args: (keys, { limit, all }) => [keys.fleet, limit, all ? 1 : ''],
  decode: (_, reply) => {
    const found: { granted: unknown[]; doubtful: unknown[] } = { granted: [], doubtful: [] };
    for (let i = 0; i + 5 < reply.length; i += 6) {
      const kind = String(reply[i]) === 'granted' ? 'granted' : 'doubtful';
      found[kind].push(...reply.slice(i + 1, i + 6));
    }
    return { granted: toTurns(found.granted), doubtful: toTurns(found.doubtful) };
  },
};
