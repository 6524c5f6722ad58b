/**
 * Sends scripts, each by the way it is to go: in the write that this turn of the event loop makes, in a group of appends, or
 * with the confirmation that durable writes wait for.
 */
import type { CommitOutcome, CommitParams } from '../core/store.ts';
import { AppendGroups } from './append-groups.ts';
import type { Argument, Reply } from './arguments.ts';
import type { Connection } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import type { DurableWrites } from './durable-writes.ts';
import { toFault } from './faults.ts';
import type { ShardKeys } from './keys.ts';
import { ScriptCommand, sendThrough } from './script-command.ts';
import { append } from './scripts/append.ts';
import { commit } from './scripts/commit.ts';
import type { StoreScript } from './store-script.ts';
import { WriteBatch } from './write-batch.ts';

export class ScriptCalls {
  readonly #connection: Connection;
  readonly #batch: WriteBatch;
  readonly #deadlines = new Deadlines();
  readonly #groups: AppendGroups | undefined;
  readonly #durable: DurableWrites | undefined;

  /** With `durable`, writes are acknowledged only when they are confirmed. */
  constructor(connection: Connection, durable?: DurableWrites) {
    this.#connection = connection;
    this.#durable = durable;
    this.#batch = new WriteBatch(connection);
    // Durable writes gather by themselves. Groups are made already, and each is to be on its way while the next is made.
    if (durable === undefined) {
      this.#groups = new AppendGroups((script, place, params) => this.#send(script, place, params));
    }
  }

  call<Place, Params, Outcome>(
    script: StoreScript<Place, Params, Outcome>,
    place: Place,
    params: Params,
  ): Promise<Outcome> {
    return this.#reply(script, place, params).then((reply) => script.decode(place, reply, params));
  }

  /** A commit; one that only appends takes the short way. On the way of every step, so it makes no promise too many. */
  commit(shard: ShardKeys, params: CommitParams): Promise<CommitOutcome> {
    const { snapshot, release, taken, blobs } = params;
    const appendsOnly =
      snapshot === undefined && release === undefined && taken === undefined && blobs === undefined;
    if (!appendsOnly) return this.call(commit, shard, params);
    if (this.#groups === undefined) return this.call(append, shard, params);
    return this.#groups.append(shard, params);
  }

  #reply<Place, Params>(
    script: StoreScript<Place, Params, unknown>,
    place: Place,
    params: Params,
  ): Promise<Reply> {
    const { acknowledged } = script;
    if (this.#durable === undefined || acknowledged === undefined) {
      this.#batch.join();
      return this.#send(script, place, params);
    }
    const { args, keyCount } = toCall(script, place, params);
    const { name, source, sha } = script.script;
    const isRepeatable = acknowledged === 'repeatable';
    return this.#durable
      .call({ source, sha, keys: keyCount, isRepeatable }, args)
      .catch((error: unknown) => {
        throw toFault(error, name);
      });
  }

  #send<Place, Params>(
    script: StoreScript<Place, Params, unknown>,
    place: Place,
    params: Params,
  ): Promise<Reply> {
    const connection = this.#connection;
    const through = { connection, deadlines: this.#deadlines };
    const call = toCall(script, place, params);
    const command = new ScriptCommand(script.script, call, through);
    sendThrough(connection, command);
    return command.reply;
  }
}

function toCall<Place, Params>(
  script: StoreScript<Place, Params, unknown>,
  place: Place,
  params: Params,
): { readonly args: Argument[]; readonly keyCount: number } {
  const args = script.keys(place, params);
  const keyCount = args.length;
  for (const argument of script.args(place, params)) args.push(argument);
  return { args, keyCount };
}
