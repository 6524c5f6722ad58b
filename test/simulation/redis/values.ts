/**
 * What the in-process Redis holds. Strings are binary: one character per byte, as `latin1` makes them, so that any payload
 * fits into the keys and values of ordinary maps.
 */

/** A reply as the protocol has it: bulk string, integer, nil, list. */
export type SimReply = string | number | null | readonly SimReply[];

/** Refuses a command as Redis does. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

export interface StreamEntry {
  /** Both halves of the id. */
  readonly major: number;
  readonly minor: number;
  /** Names and values in turn. */
  readonly fields: readonly string[];
}

export class Stream {
  entries: StreamEntry[] = [];
  /** The greatest id there ever was; ids only grow. */
  last = { major: 0, minor: 0 };

  copy(): Stream {
    const copy = new Stream();
    copy.entries = [...this.entries];
    copy.last = { ...this.last };
    return copy;
  }
}

export class SortedSet {
  readonly scores: Map<string, number>;
  #sorted: readonly (readonly [string, number])[] | undefined;

  constructor(scores: ReadonlyMap<string, number> = new Map()) {
    this.scores = new Map(scores);
  }

  set(member: string, score: number): boolean {
    const isNew = !this.scores.has(member);
    this.scores.set(member, score);
    this.#sorted = undefined;
    return isNew;
  }

  delete(member: string): boolean {
    this.#sorted = undefined;
    return this.scores.delete(member);
  }

  /** By score, then by member. */
  sorted(): readonly (readonly [string, number])[] {
    this.#sorted ??= [...this.scores].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
    return this.#sorted;
  }

  copy(): SortedSet {
    return new SortedSet(this.scores);
  }
}

export type Value =
  | { readonly type: 'hash'; readonly hash: Map<string, string> }
  | { readonly type: 'set'; readonly set: Set<string> }
  | { readonly type: 'zset'; readonly zset: SortedSet }
  | { readonly type: 'stream'; readonly stream: Stream }
  | { readonly type: 'string'; readonly text: string; readonly expiresAt: number };

/** All keys, and a copy of them as a server would find them after a crash. */
export class Keyspace {
  readonly values = new Map<string, Value>();

  hash(key: string): Map<string, string> | undefined {
    const value = this.#expect(key, 'hash');
    return value?.hash;
  }

  set(key: string): Set<string> | undefined {
    return this.#expect(key, 'set')?.set;
  }

  zset(key: string): SortedSet | undefined {
    return this.#expect(key, 'zset')?.zset;
  }

  stream(key: string): Stream | undefined {
    return this.#expect(key, 'stream')?.stream;
  }

  hashToWrite(key: string): Map<string, string> {
    return this.hash(key) ?? this.#add(key, { type: 'hash', hash: new Map() }).hash;
  }

  setToWrite(key: string): Set<string> {
    return this.set(key) ?? this.#add(key, { type: 'set', set: new Set() }).set;
  }

  zsetToWrite(key: string): SortedSet {
    return this.zset(key) ?? this.#add(key, { type: 'zset', zset: new SortedSet() }).zset;
  }

  streamToWrite(key: string): Stream {
    return this.stream(key) ?? this.#add(key, { type: 'stream', stream: new Stream() }).stream;
  }

  copy(): Keyspace {
    const copy = new Keyspace();
    for (const [key, value] of this.values) copy.values.set(key, copyOf(value));
    return copy;
  }

  #add<T extends Value>(key: string, value: T): T {
    this.values.set(key, value);
    return value;
  }

  #expect<T extends Value['type']>(key: string, type: T): Extract<Value, { type: T }> | undefined {
    const value = this.values.get(key);
    if (value !== undefined && value.type !== type) {
      throw new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value');
    }
    return value as Extract<Value, { type: T }> | undefined;
  }
}

function copyOf(value: Value): Value {
  switch (value.type) {
    case 'hash':
      return { type: 'hash', hash: new Map(value.hash) };
    case 'set':
      return { type: 'set', set: new Set(value.set) };
    case 'zset':
      return { type: 'zset', zset: value.zset.copy() };
    case 'stream':
      return { type: 'stream', stream: value.stream.copy() };
    case 'string':
      return value;
  }
}
