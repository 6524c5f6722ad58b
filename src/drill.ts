/**
 * A drill: two worker processes on *your* Redis, one of which is killed at work, and how long it took until the other one
 * went on. Times are those that Redis wrote into the log of the run.
 *
 * It lives under a prefix of its own, `drill-…`, and removes it at the end, also after an error or an abort; the worker
 * processes end with this one, however it ends. When this process is killed itself, keys of that prefix stay.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RedisOptions } from 'ioredis';
import { z } from 'zod';
import { PawlError, UnavailableError } from './core/errors.ts';
import { defaults } from './core/limits.ts';
import { silentLogger } from './core/logger.ts';
import { abortSignal, milliseconds, optionsOf, wholeNumber } from './core/option-rules.ts';
import type { RunHandle } from './engine/runs/run-handle.ts';
import { defineWorkflow } from './engine/definition/workflow.ts';
import { Pawl } from './pawl.ts';
import { connect, type Connection } from './redis/connection.ts';
import { mastersOf } from './redis/server-facts.ts';
import { type ClusterTarget, targetRule } from './redis/target.ts';

/** Which Redis is measured, and how often. */
export interface DrillOptions {
  /** As a URL or as settings; it is handed to other processes, so an instance of a client will not do. */
  readonly redis: string | RedisOptions | ClusterTarget;
  /** 1–100, default 5. */
  readonly rounds?: number;
  /** Events in the log before the kill. Default 200. */
  readonly events?: number;
  /** How long a round may take, in milliseconds. Default 60 000. */
  readonly roundMs?: number;
  /** Ends the drill early; its keys are removed all the same. */
  readonly signal?: AbortSignal;
}

/** Milliseconds of one take-over. */
export interface DrillRound {
  /** From the kill until it was noticed. */
  readonly detectMs: number;
  /** From there until the other worker had the run. */
  readonly claimMs: number;
  /** From there until the run's next event: loading, replaying, going on. */
  readonly replayMs: number;
  /** From the kill until the run's next event: all of the above. */
  readonly totalMs: number;
}

/** What a drill has measured. Times are milliseconds. */
export interface DrillReport {
  /** Each kill by itself, in the order in which they were made. */
  readonly rounds: readonly DrillRound[];
  /** The median of each time by itself, over all rounds. */
  readonly p50: DrillRound;
  /** The largest of each time by itself, over all rounds. */
  readonly max: DrillRound;
  /** Keys of the drill that are left; 0 unless somebody wrote some meanwhile. */
  readonly keysLeft: number;
}

/** What a worker process is told. */
export interface DrillWorkerSetup {
  readonly redis: DrillOptions['redis'];
  readonly prefix: string;
}

const pauseMs = 5;

/** Has a log to replay, and then goes on, little by little, until it is cancelled. */
export const drilled = defineWorkflow({
  name: 'drill',
  input: z.object({ events: z.int() }),
  state: z.object({ done: z.number().default(0) }),
  events: { tick: z.object({ i: z.int() }) },
  reduce: { tick: (state, { i }) => ({ ...state, done: i }) },
  async run(ctx, { events }) {
    for (let i = ctx.state.done + 1; ; i++) {
      await ctx.emit('tick', { i });
      if (i > events) await sleep(pauseMs, undefined, { signal: ctx.signal });
    }
  },
});

const pollMs = 10;
const roundsMax = 100;
const connectMs = 5_000;
const scanned = 500;
const workersWanted = 2;
const roundMsDefault = 60_000;

const checkOptions = optionsOf<DrillOptions>(
  {
    redis: targetRule,
    rounds: wholeNumber(1, roundsMax),
    events: wholeNumber(1),
    roundMs: milliseconds,
    signal: abortSignal,
  },
  "{ redis: 'redis://127.0.0.1:6379' }",
);

/**
 * Measures how long a take-over lasts on this Redis: starts two worker processes, kills the one that has the run, and
 * repeats it. It works under a prefix of its own, which it removes at the end.
 * @throws InvalidError for a bad option; UnavailableError when Redis does not answer; PawlError `PAWL_REDIS_CONFIG` when
 *   this user may not SCAN, so that nothing could be removed: nothing was written. Else its keys are removed.
 */
export async function drill(options: DrillOptions): Promise<DrillReport> {
  checkOptions(options, 'drill options');
  const { rounds = 5, events = 200 } = options;
  const prefix = `drill-${randomUUID().slice(0, 8)}`;
  const given = { connectMs, callMs: defaults.callMs, allowEviction: true, logger: silentLogger };
  const { connection } = await connect(options.redis, given);
  try {
    await keysOf(connection, prefix);
    let done: DrillRound[];
    try {
      done = await perform(connection, prefix, { ...options, rounds, events });
    } finally {
      await removeKeys(connection, prefix);
    }
    const keysLeft = (await keysOf(connection, prefix)).length;
    return { rounds: done, p50: each(done, median), max: each(done, Math.max), keysLeft };
  } finally {
    connection.disconnect();
  }
}

type Told = DrillOptions & { readonly rounds: number; readonly events: number };

async function perform(connection: Connection, prefix: string, told: Told): Promise<DrillRound[]> {
  const { redis } = told;
  const workers = new Workers({ redis, prefix });
  const pawl = await Pawl.open({ redis, prefix, connectMs, allowEviction: true });
  try {
    await workers.fill();
    const done: DrillRound[] = [];
    for (let i = 0; i < told.rounds; i++) {
      const run = await pawl.start(drilled, { events: told.events }, { id: `round-${i}` });
      done.push(await round(run, told, { connection, workers }));
      await run.cancel({ actor: 'drill' });
      await workers.fill();
    }
    return done;
  } finally {
    await workers.end();
    await pawl.close();
  }
}

async function round(
  run: RunHandle,
  { events, roundMs = roundMsDefault, signal }: Told,
  { connection, workers }: { readonly connection: Connection; readonly workers: Workers },
): Promise<DrillRound> {
  const late = AbortSignal.timeout(roundMs);
  const over = signal === undefined ? late : AbortSignal.any([late, signal]);
  const unseen = (what: string): UnavailableError =>
    new UnavailableError(
      `The drill saw no ${what} within ${roundMs} ms, and removed its keys; pawl doctor may tell why`,
      'not-applied',
    );
  let info = await run.info();
  while (info.worker === undefined || info.seq <= events) {
    signal?.throwIfAborted();
    if (late.aborted) throw unseen('worker that takes a run');
    await sleep(pollMs);
    info = await run.info();
  }
  const killedAt = await timeOf(connection);
  await workers.kill(info.worker);
  const times = await takeOver(run, info.seq, over);
  signal?.throwIfAborted();
  if (times === undefined) throw unseen('take-over');
  const [lostAt, claimedAt, wentOnAt] = times;
  return {
    detectMs: round2(Math.max(0, lostAt - killedAt)),
    claimMs: claimedAt - lostAt,
    replayMs: wentOnAt - claimedAt,
    totalMs: round2(Math.max(0, wentOnAt - killedAt)),
  };
}

/** When the run was lost, claimed, and went on, as its log tells; undefined when `signal` came first. */
async function takeOver(
  run: RunHandle,
  after: number,
  signal: AbortSignal,
): Promise<readonly [number, number, number] | undefined> {
  const times: number[] = [];
  for await (const { type, at } of run.events({ after, signal })) {
    if (type === 'run.interrupted' || times.length > 0) times.push(at.getTime());
    const [lostAt, claimedAt, wentOnAt] = times;
    if (lostAt !== undefined && claimedAt !== undefined && wentOnAt !== undefined) {
      return [lostAt, claimedAt, wentOnAt];
    }
  }
  return undefined;
}

/** By the clock that the log is written by, in milliseconds. */
async function timeOf(connection: Connection): Promise<number> {
  const [seconds, micros] = await connection.time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

function round2(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function each(rounds: readonly DrillRound[], of: (...values: number[]) => number): DrillRound {
  const all = (name: keyof DrillRound): number => of(...rounds.map((one) => one[name]));
  return {
    detectMs: all('detectMs'),
    claimMs: all('claimMs'),
    replayMs: all('replayMs'),
    totalMs: all('totalMs'),
  };
}

function median(...values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Two processes at any time, except for a moment after one was killed. */
class Workers {
  readonly #setup: DrillWorkerSetup;
  readonly #byId = new Map<string, ChildProcess>();

  constructor(setup: DrillWorkerSetup) {
    this.#setup = setup;
  }

  /** Resolves when both are at work. */
  async fill(): Promise<void> {
    const missing = workersWanted - this.#byId.size;
    await Promise.all(Array.from({ length: missing }, () => this.#start()));
  }

  async kill(worker: string): Promise<void> {
    const child = this.#byId.get(worker);
    if (child === undefined) throw new RangeError(`no process of the drill is worker ${worker}`);
    this.#byId.delete(worker);
    await end(child);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#byId.values()].map(end));
  }

  async #start(): Promise<void> {
    const child = fork(fileURLToPath(new URL(`drill-worker.js`, import.meta.url)), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // Until it has said its name it stands under another one, so that it is ended in any case.
    const placeholder = randomUUID();
    this.#byId.set(placeholder, child);
    child.send(this.#setup);
    const [said] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => [{ error: 'it ended at once' }]),
    ])) as [{ readonly worker?: string; readonly error?: string }];
    this.#byId.delete(placeholder);
    this.#byId.set(said.worker ?? placeholder, child);
    if (said.worker === undefined) {
      throw new UnavailableError(
        `A worker of the drill did not start: ${said.error}.`,
        'not-applied',
      );
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** @throws PawlError `PAWL_REDIS_CONFIG` when this user may not SCAN. */
async function keysOf(connection: Connection, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const node of mastersOf(connection)) {
    let cursor = '0';
    do {
      const page = await node.scan(cursor, 'MATCH', `{${prefix}*`, 'COUNT', scanned).catch(refused);
      cursor = page[0];
      found.push(...page[1]);
    } while (cursor !== '0');
  }
  return found;
}

function refused(error: Error): never {
  if (!error.message.startsWith('NOPERM')) throw error;
  throw new PawlError(
    'PAWL_REDIS_CONFIG',
    'This user may not SCAN, so a drill could not remove its keys; nothing was written. Take a user that may.',
    { cause: error },
  );
}

async function removeKeys(connection: Connection, prefix: string): Promise<void> {
  for (const key of await keysOf(connection, prefix)) await connection.unlink(key);
}
