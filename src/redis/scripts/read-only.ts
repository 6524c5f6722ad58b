/** Scripts of what stands beside the store. They read, and their answers are not looked at here. */
import type { Reply } from '../arguments.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

type ReadOnly = StoreScript<undefined, readonly string[], Reply>;

/** By their texts, of which there are few. */
const known = new Map<string, ReadOnly>();

export function readOnly(lua: string): ReadOnly {
  const script = known.get(lua) ?? {
    script: toScript('read', lua),
    keys: (_, keys) => [...keys],
    args: () => [],
    decode: (_, reply) => reply,
  };
  known.set(lua, script);
  return script;
}
