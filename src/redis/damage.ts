/**
 * Errors that are about what a key of a run holds: repeating the call cannot cure them. Which key it is, the error of a
 * script does not say, so it is looked for.
 */
import { CorruptionError } from '../core/errors.ts';
import type { ShardKeys } from './keys.ts';

/**
 * What Redis, or Lua inside of it, says of a key of another type, of a log that ends behind its record, and of texts that
 * should be numbers.
 */
const signs: readonly RegExp[] = [
  /^WRONGTYPE\b/,
  /is equal or smaller than the target stream/,
  /\battempt to (?:perform|compare|concatenate|index)|\bbad argument #/,
  /is not an integer|is not a valid float|Invalid stream ID/,
];

export function isDamage(message: string): boolean {
  return signs.some((sign) => sign.test(message));
}

/** What such an error is, as long as it is not known which key it is about. */
export function unlocatedDamage(call: string, error: unknown): CorruptionError {
  return new CorruptionError({ key: `a key of this ${call}` }, problemOf(error), error);
}

/** The same error with the key, if that can be found; any other as it is. Never rejects. */
export async function locateDamage(
  fault: unknown,
  connection: { type(key: string): Promise<string> },
  at: { readonly run: string; readonly shard: ShardKeys },
): Promise<unknown> {
  if (!(fault instanceof CorruptionError) || !(fault.cause instanceof Error)) return fault;
  const { cause } = fault;
  if (!isDamage(cause.message)) return fault;
  const { run, shard } = at;
  if (cause.message.includes('target stream')) {
    return new CorruptionError({ key: shard.events(run) }, problemOf(cause), cause);
  }
  try {
    for (const [key, type] of typesOf(shard, run)) {
      const found = await connection.type(key);
      if (found !== 'none' && found !== type) {
        return new CorruptionError({ key }, `is a ${found}, and should be a ${type}`, cause);
      }
    }
  } catch {
    return fault;
  }
  return new CorruptionError({ key: shard.run(run) }, problemOf(cause), cause);
}

function typesOf(shard: ShardKeys, run: string): readonly (readonly [string, string])[] {
  return [
    [shard.run(run), 'hash'],
    [shard.events(run), 'stream'],
    [shard.snapshot(run), 'hash'],
    [shard.payload(run), 'hash'],
    [shard.inbox(run), 'stream'],
    [shard.seen(run), 'set'],
    [shard.checkpoints(run), 'stream'],
    [shard.preserved(run), 'hash'],
    [shard.chunks(run), 'stream'],
  ];
}

function problemOf(error: unknown): string {
  return `cannot be worked with (${error instanceof Error ? error.message : String(error)})`;
}
