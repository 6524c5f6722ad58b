/** What runs give out, in Redis: one stream for each run, in the slot of the run. */
import type { Outputs, StoredChunk, WriteOutcome, WriteParams } from '../core/outputs.ts';
import type { Announcements } from './announcements.ts';
import { toChunk } from './chunk-entry.ts';
import type { Entry } from './fields.ts';
import type { RedisParts } from './parts.ts';
import { write } from './scripts/write.ts';

export interface RedisOutputsParts extends Omit<RedisParts, 'guard'> {
  readonly announcements: Announcements;
  /** Runs a call about one run: refused when the store is closed, and damage names the key. */
  readonly guard: <T>(run: string, call: () => Promise<T>) => Promise<T>;
}

export class RedisOutputs implements Outputs {
  readonly #parts: RedisOutputsParts;

  constructor(parts: RedisOutputsParts) {
    this.#parts = parts;
  }

  async write(params: WriteParams): Promise<WriteOutcome> {
    const { scripts, keys, guard } = this.#parts;
    const { run } = params;
    return guard(run, () => scripts.call(write, keys.of(run), params));
  }

  async read(params: Parameters<Outputs['read']>[0]): Promise<readonly StoredChunk[]> {
    const { connection, keys, guard } = this.#parts;
    const { run, after, limit } = params;
    const key = keys.of(run).chunks(run);
    const entries = await guard(run, () =>
      connection.xrangeBuffer(key, `${after + 1}-0`, '+', 'COUNT', limit),
    );
    return (entries as Entry[]).map((entry) => toChunk(key, entry));
  }

  async watch(run: string, written: () => void): Promise<() => Promise<void>> {
    const { announcements, keys, guard } = this.#parts;
    return guard(run, () => announcements.listen(keys.of(run).wrote(run), () => written()));
  }
}
