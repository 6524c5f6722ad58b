/** What `pawl doctor` looks at: this process, the server, the user's rights, the clock, and the indexes of a prefix. */
import { Cluster, Redis } from 'ioredis';
import type { Check, Damage, DoctorReport, KindSize } from '../core/doctor.ts';
import { PawlError } from '../core/errors.ts';
import { defaults } from '../core/limits.ts';
import { silentLogger } from '../core/logger.ts';
import { checkPrefix } from '../core/names.ts';
import { anything, flag, milliseconds, optionsOf, wholeNumber } from '../core/option-rules.ts';
import { refusedCommands } from './access-check.ts';
import {
  callSettings,
  connect,
  type Connected,
  type Connection,
  createConnection,
  type RedisTarget,
} from './connection.ts';
import { IndexCheck } from './index-check.ts';
import { configKey, Keys } from './keys.ts';
import { probePresence } from './presence-probe.ts';
import { serverChecks } from './server-checks.ts';
import { mastersOf, serverFacts } from './server-facts.ts';
import { targetRule } from './target.ts';

/** Which Redis is checked, how thoroughly, and whether damage is repaired. */
export interface DoctorOptions {
  /** As in `Pawl.open`. */
  readonly redis: RedisTarget;
  /** Default `pawl`. */
  readonly prefix?: string;
  /** Looks at every run and, where SCAN is allowed, at every key of the prefix. Default: a sample of each index. */
  readonly full?: boolean;
  /** Puts right what is wrong with indexes; with `full` also removes what is left of runs without a record. */
  readonly repair?: boolean;
  /** How many runs of each index are looked at without `full`. Default 200. */
  readonly sample?: number;
  /** How long to wait for Redis, in milliseconds. Default 5 000. */
  readonly connectMs?: number;
}

const checkOptions = optionsOf<DoctorOptions>(
  {
    redis: targetRule,
    prefix: anything,
    full: flag,
    repair: flag,
    sample: wholeNumber(1),
    connectMs: milliseconds,
  },
  "{ redis: 'redis://127.0.0.1:6379' }",
);

const sampleDefault = 200;
const connectMsDefault = 5_000;
const nodeWanted = [20, 19] as const;
/** Only people who compare logs are misled by a wrong clock: pawl decides by the clock of Redis. */
const clockMsMax = 1_000;

/**
 * Looks whether everything is as pawl needs it. Writes nothing without `repair`.
 * @throws UnavailableError when Redis does not answer; InvalidError for a bad prefix.
 */
export async function doctor(options: DoctorOptions): Promise<DoctorReport> {
  checkOptions(options, 'doctor options');
  const prefix = options.prefix ?? defaults.prefix;
  checkPrefix(prefix);
  const checks: Check[] = [nodeCheck()];
  const connected = await open(options, checks);
  if (connected === undefined) return finished(checks, []);
  const { connection } = connected;
  try {
    const facts = await serverFacts(connection);
    checks.push(...serverChecks(facts), await clockCheck(connection));
    checks.push(await accessCheck(connected, prefix), await presenceCheck(connected, prefix));
    if (connection instanceof Cluster) checks.push(await slotsCheck(connection));
    const known = await connection.hget(configKey(prefix), 'shards');
    if (known === null) {
      const found = `nothing is stored under ${prefix} yet`;
      checks.push({
        name: 'indexes',
        status: 'ok',
        found,
        expected: 'indexes that fit the records',
      });
      return finished(checks, []);
    }
    const report = await new IndexCheck(connection, new Keys(prefix, Number(known)), {
      full: options.full ?? false,
      repair: options.repair ?? false,
      sample: options.sample ?? sampleDefault,
    }).run();
    checks.push(indexCheck(report, options.full === true));
    const isHidden = options.full === true && report.kinds === undefined;
    if (isHidden) checks.push(hiddenKeys);
    return finished(checks, report.damage, report.kinds);
  } finally {
    connection.disconnect();
  }
}

function finished(
  checks: readonly Check[],
  damage: readonly Damage[],
  kinds?: Readonly<Record<string, KindSize>>,
): DoctorReport {
  const ok = checks.every(({ status }) => status !== 'fail');
  return { ok, checks, damage, ...(kinds === undefined ? {} : { kinds }) };
}

/** Undefined for a server that pawl refuses; the checks say why. */
async function open(options: DoctorOptions, checks: Check[]): Promise<Connected | undefined> {
  const connectMs = options.connectMs ?? connectMsDefault;
  const { callMs } = defaults;
  try {
    const given = { connectMs, callMs, allowEviction: true, logger: silentLogger };
    return await connect(options.redis, given);
  } catch (error) {
    if (!PawlError.is(error) || error.code === 'PAWL_UNAVAILABLE') throw error;
    const expected = 'a Redis 7.0 or newer that lets this user in';
    checks.push({ name: 'redis', status: 'fail', found: error.message, expected });
    return undefined;
  }
}

function nodeCheck(): Check {
  const found = process.versions.node;
  const [major = 0, minor = 0] = found.split('.').map(Number);
  const isWell = major > nodeWanted[0] || (major === nodeWanted[0] && minor >= nodeWanted[1]);
  const expected = `${nodeWanted.join('.')} or newer`;
  return isWell
    ? { name: 'node', status: 'ok', found, expected }
    : { name: 'node', status: 'fail', found, expected, fix: 'Install a newer Node.js.' };
}

async function clockCheck(connection: Connection): Promise<Check> {
  const before = Date.now();
  const [seconds, micros] = await connection.time();
  const ours = (before + Date.now()) / 2;
  const offMs = Math.round(Number(seconds) * 1000 + Number(micros) / 1000 - ours);
  const expected = `within ${clockMsMax} ms of this machine`;
  const found = `Redis' clock is ${Math.abs(offMs)} ms ${offMs < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(offMs) <= clockMsMax) return { name: 'clock', status: 'ok', found, expected };
  const fix =
    'Let both machines keep time by NTP. Runs are not harmed: pawl decides by Redis’ clock.';
  return { name: 'clock', status: 'warn', found, expected, fix };
}

async function accessCheck({ connection, target }: Connected, prefix: string): Promise<Check> {
  const [node] = mastersOf(connection);
  const name = 'access';
  const expected = 'a user that may do all that pawl does';
  const own = node === undefined ? createConnection(target) : node.duplicate({ lazyConnect: true });
  own.on('error', () => undefined);
  try {
    await own.connect();
    const refused = own instanceof Redis ? await refusedCommands(own, `{${prefix}}:config`) : [];
    if (refused.length === 0)
      return { name, status: 'ok', found: 'this user may do all that pawl needs', expected };
    // Without them pawl works, with less foresight.
    const isBearable = refused.every((command) => ['info', 'pubsub|shardnumsub'].includes(command));
    const fix = `Set the rules that this prints: pawl doctor --acl --prefix ${prefix}`;
    const found = `refused: ${refused.join(', ')}`;
    return { name, status: isBearable ? 'warn' : 'fail', found, expected, fix };
  } finally {
    own.disconnect();
  }
}

async function presenceCheck({ connection, target }: Connected, prefix: string): Promise<Check> {
  const make = (): Connection => createConnection(target, callSettings(defaults.callMs));
  const isSeen = await probePresence(connection, make, `{${prefix}}:live:`);
  const expected = 'pawl notices at once when a worker dies';
  if (isSeen)
    return {
      name: 'presence',
      status: 'ok',
      found: 'a worker that dies is noticed at once',
      expected,
    };
  const found = 'a worker that dies is noticed when its session ends, after 15 s';
  const fix = 'Allow ssubscribe and pubsub|shardnumsub, and let no proxy pool the connections.';
  return { name: 'presence', status: 'warn', found, expected, fix };
}

async function slotsCheck(connection: Cluster): Promise<Check> {
  const info = await connection.cluster('INFO');
  const field = (name: string): string => new RegExp(`${name}:(\\w+)`).exec(info)?.[1] ?? '?';
  const found = `state ${field('cluster_state')}, ${field('cluster_slots_ok')} slots`;
  const expected = 'state ok, 16384 slots';
  if (found === expected) return { name: 'cluster', status: 'ok', found, expected };
  const fix = 'Give every slot to a master that runs: redis-cli --cluster fix <host>:<port>';
  return { name: 'cluster', status: 'fail', found, expected, fix };
}

const hiddenKeys: Check = {
  name: 'keys',
  status: 'warn',
  found: 'this user may not SCAN, so only what indexes name was looked at',
  expected: 'a look at every key',
  fix: 'Run the doctor as a user that may.',
};

function indexCheck(
  report: { looked: number; damage: readonly Damage[]; mismatches: readonly string[] },
  isFull: boolean,
): Check {
  const name = 'indexes';
  const expected = 'indexes that fit the records';
  const { looked, damage, mismatches } = report;
  const left = damage.filter(({ repaired }) => !repaired).length;
  const mended = damage.length - left;
  const parts = [
    `${looked} runs looked at`,
    ...(left > 0 ? [`${left} damaged`] : []),
    ...(mended > 0 ? [`${mended} repaired`] : []),
    ...mismatches,
  ];
  const found = parts.join(', ');
  if (left === 0 && mismatches.length === 0) return { name, status: 'ok', found, expected };
  const fix = isFull
    ? 'pawl doctor --full --repair puts them right; runs at work go on.'
    : 'pawl doctor --full finds all of them, with --repair it puts them right.';
  return { name, status: 'fail', found, expected, fix };
}
