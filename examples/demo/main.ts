/**
 * `npm run demo`: workers are killed while they replay recorded conversations; then every message
 * is looked for.
 *
 *   options ─▶ Redis ─▶ workers ─▶ runs start, workers are killed ─▶ runs end ─▶ verdict ─▶ end
 *                                                                                           ▲
 *   Ctrl-C, a worker that cannot live, an exception ────────── without a verdict ───────────┘
 */
import { randomBytes } from 'node:crypto';
import { Pawl } from 'pawl';
import { openInThreads, type ProvidedRedis, provideRedis } from 'pawl/testing';
import { deleteRuns, removePrefix } from './clean-up.ts';
import { recordedConversations } from './conversations.ts';
import { Fleet } from './fleet.ts';
import { type Launch, processes, threadsOf } from './launch.ts';
import { type Options, readOptions, usage, UsageError } from './options.ts';
import { paintFor } from './paint.ts';
import { randomNumbers } from './random.ts';
import { verdictTable } from './report.ts';
import { Runs } from './runs.ts';
import { storm } from './storm.ts';
import { judge, type Verdict } from './verdict.ts';
import { openView, type View } from './view.ts';
import type { Takeover } from './worker-work.ts';

/** How long the whole may take; longer for what was asked for beyond the defaults. */
const timeMs = { least: 120_000, perKill: 3_000, perRun: 300 } as const;
/** A call of a tool takes about this long, any other message a quarter. */
const paceMsMin = 120;
const connectMs = 10_000;

type Failed = (error: Error) => void;

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Few runs must last for many kills. */
function paceFor({ runs, kills }: Options): number {
  return Math.max(paceMsMin, Math.round((150 * kills) / runs));
}

async function play(
  options: Options,
  { pawl, launch }: { pawl: Pawl; launch: Launch },
  { signal, failed, takeDown }: { signal: AbortSignal; failed: Failed; takeDown: TakeDown },
): Promise<Verdict> {
  const { kills, workers } = options;
  let view: View | undefined;
  const onTakeover = (takeover: Takeover): void => view?.takenOver(takeover);
  const fleet = new Fleet({ launch, size: workers, onTakeover, onFailure: failed });
  const runs = new Runs({
    pawl,
    conversations: [...recordedConversations().values()],
    total: options.runs,
    paceMs: paceFor(options),
    deadline:
      Date.now() + Math.max(timeMs.least, timeMs.perKill * kills + timeMs.perRun * options.runs),
  });
  takeDown.push(() =>
    deleteRuns(
      pawl,
      runs.started.map(({ id }) => id),
    ),
  );
  takeDown.push(() => fleet.stop());
  await fleet.start();
  log(`${workers} workers are ready; ${options.runs} runs, ${kills} kills`);
  view = openView(process.stderr, { fleet, runs, kills });
  takeDown.push(async () => view?.end());
  const random = randomNumbers(options.seed);
  const onKill = view.killed.bind(view);
  const [killed] = await Promise.all([
    storm({ runs, fleet, kills, random, signal, onKill }),
    runs.watch(signal),
  ]);
  view.end();
  return judge(runs.started, killed, options);
}

/** What has to be undone, the last thing first. */
type TakeDown = (() => Promise<void>)[];

/** Where runs are, and how workers are started there. */
interface Stage {
  readonly pawl: Pawl;
  readonly launch: Launch;
}

/** Undefined when no Redis was named, and none can be had here. */
async function openRedis({ redis }: Options, takeDown: TakeDown): Promise<Stage | undefined> {
  const isNamed = [redis, process.env['PAWL_REDIS_URL'], process.env['REDIS_URL']].some(Boolean);
  const named = redis === undefined ? {} : { url: redis };
  let provided: ProvidedRedis;
  try {
    provided = await provideRedis({ ...named, install: true, log });
  } catch (error) {
    // A Redis that somebody has named is missed, not replaced.
    if (isNamed) throw error;
    log(error instanceof Error ? error.message : String(error));
    return undefined;
  }
  takeDown.push(() => provided.stop());
  const prefix = `demo-${randomBytes(4).toString('hex')}`;
  if (provided.origin === 'environment') {
    takeDown.push(() => removePrefix(provided.url, prefix));
  }
  const pawl = await Pawl.open({ redis: provided.url, prefix, connectMs, logger: false });
  takeDown.push(() => pawl.close());
  return { pawl, launch: processes(provided.url, prefix) };
}

function openThreads(takeDown: TakeDown): Stage {
  log(
    `The workers are threads over the memory of this process: NOTHING IS DURABLE.
What you see is how runs are taken over. With a Redis, workers are processes, and are killed by SIGKILL.`,
  );
  const threads = openInThreads({ logger: false });
  takeDown.push(() => threads.close());
  return { pawl: threads.pawl, launch: threadsOf(threads) };
}

/** Plays the demo and takes everything down again; `interrupted` ends it early. */
async function demo(options: Options, interrupted: Promise<never>): Promise<Verdict> {
  const takeDown: TakeDown = [];
  const aborted = new AbortController();
  let failed: Failed = () => {};
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  const work = async (): Promise<Verdict> => {
    const { pawl, launch } = options.threads
      ? openThreads(takeDown)
      : ((await openRedis(options, takeDown)) ?? openThreads(takeDown));
    return play(options, { pawl, launch }, { signal: aborted.signal, failed, takeDown });
  };
  try {
    return await Promise.race([work(), failure, interrupted]);
  } finally {
    aborted.abort();
    for (const undo of takeDown.toReversed()) {
      await undo().catch((error: unknown) => log(`While taking down: ${String(error)}`));
    }
  }
}

/** Rejects when the process is asked to end; the second time it ends at once. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.once(signal, () => {
        process.exitCode = code;
        process.once(signal, () => process.exit(code));
        reject(new Error(`Ended by ${signal}.`));
      });
    }
  });
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(usage);
    return;
  }
  const { json, seed, workers, kills } = options;
  log(`Seed ${seed}`);
  const startedAt = Date.now();
  try {
    const verdict = await demo(options, interruption());
    const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
    const text = json
      ? `${JSON.stringify({ ...verdict, seed, workers, seconds })}\n`
      : verdictTable(verdict, kills, paintFor(process.stdout));
    process.stdout.write(text);
    process.exitCode = verdict.ok ? 0 : 1;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log(message);
    if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: message, seed })}\n`);
    process.exit(process.exitCode ?? 1);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  log(`${error.message}\nnpm run demo -- --help shows all options.`);
  process.exitCode = 2;
}
