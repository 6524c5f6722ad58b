/** The wiring: the one place that chooses implementations, and what stands around them. */
import { type BlobOptions, largeOver } from './blobs/options.ts';
import { BlobRunStore } from './blobs/run-store.ts';
import { BullResumeQueue } from './bullmq/resume-queue.ts';
import type { Clock } from './core/clock.ts';
import type { DoctorReport } from './core/doctor.ts';
import { defaultLimits, defaults, limitsWithBlobs } from './core/limits.ts';
import { loggerFor } from './core/log-lines.ts';
import type { Logger } from './core/logger.ts';
import { checkPrefix } from './core/names.ts';
import type { ResumeQueue, Settled, WakeUp } from './core/queue.ts';
import type { RunStore } from './core/store.ts';
import { type EncryptionOptions, Keyring } from './encryption/keyring.ts';
import { EncryptedRunStore } from './encryption/run-store.ts';
import type { StartParts } from './engine/runs/start.ts';
import { RunsHere } from './engine/runs-here.ts';
import { systemClock } from './engine/system-clock.ts';
import { newToken } from './engine/token.ts';
import type { OpenOptions, Parts } from './options.ts';
import { doctor } from './redis/doctor.ts';
import { RedisRunStore } from './redis/run-store.ts';
import { targetOf } from './redis/target.ts';

/** What all that a pawl makes is given: made once, and passed on as it is. */
export interface PawlServices extends StartParts {
  readonly queue: ResumeQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settle: (settled: Settled) => void;
  readonly here: RunsHere;
}

/** The Redis behind a pawl, to be told of and looked at. */
export interface ServerBehind {
  /** Hosts and ports, without a login. */
  readonly address: string;
  readonly examine: () => Promise<DoctorReport>;
}

/** Puts blobs and encryption around the store. `wake` sends a wake-up, and never rejects. */
export function wire(
  { store: plain, queue, blobs, ...parts }: Parts,
  keys: Keyring | undefined,
  wake: (wakeUp: WakeUp) => Promise<void>,
): PawlServices {
  const usual = blobs === undefined ? defaultLimits : limitsWithBlobs;
  const around = { clock: parts.clock ?? systemClock, logger: chosenLogger(parts.logger) };
  const below = blobs === undefined ? plain : withBlobs(plain, blobs, around);
  return {
    ...around,
    store: keys === undefined ? below : new EncryptedRunStore(below, keys),
    queue,
    limits: { ...usual, ...parts.limits },
    tracing: parts.tracing,
    newToken,
    wake,
    here: new RunsHere(),
    settle: (settled) => queue.settle?.(settled),
  };
}

/**
 * Connects to Redis and to its queue.
 * @throws what `Pawl.open` throws: nothing was written.
 */
export async function redisParts(
  options: OpenOptions,
  env: NodeJS.ProcessEnv,
): Promise<{
  readonly parts: Parts;
  readonly keys: Keyring | undefined;
  readonly server: ServerBehind;
}> {
  const redis = targetOf(options, env);
  const logger = chosenLogger(options.logger);
  const prefix = options.prefix ?? defaults.prefix;
  checkPrefix(prefix);
  const keys = keyring(options.encryption, prefix);
  const store = await RedisRunStore.open({ ...options, redis, logger });
  const queue = new BullResumeQueue({
    connect: (purpose) => store.connectionFor(purpose),
    evaluate: (...script) => store.evaluate(...script),
    prefix: `{${prefix}}:bull`,
    skipVersionCheck: store.hidesInfo,
    hidesErrors: keys !== undefined,
    telemetry: options.bullTelemetry,
    shortWay: options.localWakeUps,
    logger,
  });
  const server = { address: store.address, examine: () => doctor({ redis, prefix }) };
  return { parts: { ...options, store, queue, logger }, keys, server };
}

/** Encryption stands around it: see the head of `blobs/run-store.ts`. */
function withBlobs(
  store: RunStore,
  options: BlobOptions,
  around: { readonly clock: Clock; readonly logger: Logger },
): RunStore {
  return new BlobRunStore(store, {
    blobs: options.store,
    overBytes: largeOver(options),
    ...around,
  });
}

/** What goes wrong must be seen by those who have not thought of a logger yet. */
export function chosenLogger(given: Logger | false | undefined): Logger {
  return loggerFor(given, { host: process, out: console, now: () => new Date() });
}

/** @throws InvalidError for a bad key. `scope`: values of one are not readable in another. */
export function keyring(
  options: EncryptionOptions | undefined,
  scope: string,
): Keyring | undefined {
  return options === undefined ? undefined : new Keyring(options, scope);
}
