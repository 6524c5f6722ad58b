/** Plays programs by the hundred, does to them what the world does, and judges how they end. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Pawl } from 'pawl';
import { isAllowed, mayEndAs } from './allowed.ts';
import { Fleet } from './fleet.ts';
import { playing } from './interpreter.ts';
import { generate, type Program, randomOf, signalNames } from './program.ts';
import { Witness } from './witness.ts';

export interface Verdict {
  readonly programs: number;
  readonly crashes: number;
  readonly violations: readonly Violation[];
}

export interface Violation {
  readonly seed: number;
  readonly what: string;
  readonly program: Program;
}

/** Longer than any program takes, on a machine that is busy with others. */
const hangMs = 30_000;
const together = 60;

export async function judge(options: {
  readonly programs: number;
  readonly seed: number;
  readonly deathRate?: number;
}): Promise<Verdict> {
  const { programs, seed, deathRate = 0.004 } = options;
  const random = randomOf(seed);
  const witness = new Witness();
  const fleet = new Fleet({ witness, random, workers: 3, deathRate });
  const violations: Violation[] = [];
  const unheld = (error: unknown): void =>
    witness.violate('', `unhandled rejection: ${String(error)}`);
  process.on('unhandledRejection', unheld);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < programs) {
      const own = seed * 1_000_003 + next;
      next += 1;
      const program = generate(own);
      for (const what of await play(fleet, witness, program, own)) {
        violations.push({ seed: own, what, program });
      }
      if (random() < 0.02) await fleet.redeploy();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(together, programs) }, lane));
  } finally {
    await fleet.end();
    process.off('unhandledRejection', unheld);
  }
  for (const { what } of witness.violations.filter(({ run }) => run === '')) {
    violations.push({ seed, what, program: { parts: [] } });
  }
  return { programs, crashes: fleet.deaths, violations };
}

/** One program, with what happens to it; returns what is wrong with how it went. */
async function play(
  { caller, store }: Fleet,
  witness: Witness,
  program: Program,
  seed: number,
): Promise<string[]> {
  const random = randomOf(seed ^ 0x5eed);
  const id = `p${seed}`;
  const run = await caller.start(playing(witness, 'caller'), program, { id });
  const isCancelled = random() < 0.05;
  const isPaused = random() < 0.1;
  const until = performance.now() + hangMs;
  let turns = 0;
  let status = '';
  for (;;) {
    const info = await run.info();
    ({ status } = info);
    if (['completed', 'failed', 'cancelled', 'quarantined'].includes(status)) break;
    if (performance.now() > until) {
      const waits = info.waits.map(({ kind, name }) => `${kind} ${name}`).join(', ');
      return [`hangs as ${status}, waiting for ${waits}`, ...witnessed(witness, id)];
    }
    if (turns === 1 && isPaused) await run.pause({ actor: 'fuzz' }).catch(() => undefined);
    if (turns === 3 && isPaused) await run.resume().catch(() => undefined);
    if (turns === 2 && isCancelled) await run.cancel().catch(() => undefined);
    await help(caller, witness, id, random);
    turns += 1;
    await pause(5 + random() * 15);
  }
  const problems = witnessed(witness, id);
  const expected = mayEndAs(program);
  const mayBe: readonly string[] = isCancelled ? ['cancelled', expected] : [expected];
  if (!mayBe.includes(status)) problems.push(`ended as ${status}, not as ${mayBe.join(' or ')}`);
  if (status === 'completed') {
    const result = await run.result();
    if (!isAllowed(program, result)) problems.push(`ended with ${JSON.stringify(result)}`);
  }
  problems.push(...(await judgeLog(caller, witness, id)));
  if (status !== 'completed') problems.push(...(await judgeChildren(caller, id, store)));
  return problems;
}

/** Sends the signals and decisions that the run, or a child of it, waits for. */
async function help(
  caller: Pawl,
  witness: Witness,
  id: string,
  random: () => number,
): Promise<void> {
  const { runs } = await caller.list({ idPrefix: id, limit: 20 });
  for (const one of runs) {
    if (one.id !== id && !one.id.startsWith(`${id}.`)) continue;
    const handle = caller.run(one.id);
    if (random() < 0.5) {
      const name = signalNames[random() < 0.5 ? 0 : 1];
      await handle.signal(name, name as never).catch(() => undefined);
    }
    for (const { kind, on = [] } of one.waits) {
      if (kind !== 'decision') continue;
      for (const effect of on) {
        witness.asked(one.id, effect);
        const decision =
          random() < 0.5
            ? ({ decide: 'retry' } as const)
            : ({ decide: 'done', result: 'decided' } as const);
        await handle.decide(effect, decision).catch(() => undefined);
      }
    }
  }
}

function witnessed(witness: Witness, id: string): string[] {
  return witness.violations
    .filter(({ run }) => run === id || run.startsWith(`${id}.`))
    .map(({ what }) => what);
}

/** The state is what the log adds up to, by a fold that has nothing of pawl's. */
async function judgeLog(caller: Pawl, witness: Witness, id: string): Promise<string[]> {
  const run = caller.run(playing(witness, 'caller'), id);
  let sum = 0;
  let seq = 0;
  const problems: string[] = [];
  const marks = new Set<string>();
  const completed = new Set<string>();
  for await (const event of run.events()) {
    seq += 1;
    if (event.seq !== seq) problems.push(`event ${event.seq} where ${seq} was to come`);
    const data = event.data as { name?: string; patch?: { marks?: object } };
    if (event.type === 'added') sum += event.data as number;
    if (event.type === 'state.set')
      for (const mark of Object.keys(data.patch?.marks ?? {})) marks.add(mark);
    if (event.type === 'step.completed') {
      if (completed.has(data.name ?? '')) problems.push(`${data.name} completed twice`);
      completed.add(data.name ?? '');
    }
  }
  const state = await run.state();
  if (state.sum !== sum) problems.push(`the state says ${state.sum}, the log ${sum}`);
  if (Object.keys(state.marks).length !== marks.size)
    problems.push('the state has other marks than the log');
  return problems;
}

/** Attached children end with their parent, within a while. */
async function judgeChildren(caller: Pawl, id: string, store: Fleet['store']): Promise<string[]> {
  const attached: string[] = [];
  for await (const event of caller.run(id).events()) {
    const data = event.data as { run?: string; isAttached?: boolean; attached?: boolean };
    if (event.type === 'child.starting' && data.attached === true) attached.push(data.run ?? '');
  }
  const until = performance.now() + 25_000;
  const open = async (): Promise<string[]> => {
    const records = await Promise.all(attached.map((run) => store.record(run)));
    return records.flatMap((record) =>
      record === undefined || ['completed', 'failed', 'cancelled'].includes(record.status)
        ? []
        : [record.id],
    );
  };
  let left = await open();
  while (left.length > 0 && performance.now() < until) {
    await pause(50);
    left = await open();
  }
  return left.map((run) => `the attached child ${run} was left behind`);
}
