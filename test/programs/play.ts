/** Plays one program: does to its run what the world does, and says what is wrong with how it went. */
import { setTimeout as pause } from 'node:timers/promises';
import { detach } from '../../src/core/detached.ts';
import { PawlError } from '../../src/core/errors.ts';
import { nesting } from '../../src/core/fold.ts';
import type { RunEvent } from '../../src/core/event.ts';
import type { RunHandle } from '../../src/engine/runs/run-handle.ts';
import type { RunInfo } from '../../src/engine/runs/run-info.ts';
import { mayTakeBack, isAllowed, mayEndAs } from './allowed.ts';
import { attachedOf, type Counted, judgeChildren, judgeLog } from './ended.ts';
import type { Fleet } from './fleet.ts';
import { judgeOutput } from './given-out.ts';
import { playingInNodes } from './in-nodes.ts';
import { playing } from './interpreter.ts';
import { KeptLog } from './kept-log.ts';
import {
  answerSignal,
  type Happening,
  keyLimit,
  type Program,
  randomOf,
  type Seeded,
  signalNames,
} from './program.ts';
import type { Witness } from './witness.ts';

export interface World {
  readonly fleet: Fleet;
  readonly witness: Witness;
  /** How long nothing may come of a run, behind the last death of a worker. */
  readonly hangMs: number;
}

/** Whatever happens, a run has ended after this many times `hangMs`. */
const hangsAtMost = 4;
/** Nothing more is done to a run behind this turn, but what lets it go on. */
const lateTurn = 12;
/** How long a run may wait for newer code before somebody sees that and brings it. */
const unseenMs = 1_000;
const ended: readonly string[] = ['completed', 'failed', 'cancelled', 'quarantined'];

export interface Found {
  readonly what: string;
  /** What happened to the run before. */
  readonly story: readonly string[];
}

/** The code that looks at runs from outside reads what any version wrote. */
function workflowOf({ isGraph = false }: Program, witness: Witness) {
  const by = { witness, worker: 'caller', version: 2 };
  return isGraph ? playingInNodes(by) : playing(by);
}

export async function play(
  world: World,
  { seed, program }: Seeded,
  id: string,
): Promise<readonly Found[]> {
  const { fleet, witness } = world;
  const by = { witness, worker: 'caller' };
  const first = program.isGraph === true ? playingInNodes(by) : playing(by);
  await startSurely(fleet, first, program, id);
  const follower = new Follower(world, { program, seed }, id);
  const problems = await follower.follow(program.happens ?? []);
  const isOfIt = (run: string): boolean => run === id || run.startsWith(`${id}.`);
  const seen = witness.violations.filter(({ run }) => isOfIt(run)).map(({ what }) => what);
  if (seen.length > 0 && problems.length === 0) await follower.tellLog();
  const story = witness.stories.of(id);
  witness.forget(id);
  return [...new Set([...problems, ...seen])].map((what) => ({ what, story }));
}

/** A start that was not made may be repeated, with the same id. */
async function startSurely(
  fleet: Fleet,
  workflow: ReturnType<typeof playing> | ReturnType<typeof playingInNodes>,
  program: Program,
  id: string,
): Promise<void> {
  for (;;) {
    try {
      const { key } = program;
      const options = { id, ...(key === undefined ? {} : { key }) };
      if (fleet.startsInside()) await fleet.startInside(program, options);
      await fleet.caller.start(workflow, program, options);
      return;
    } catch (error) {
      if (!PawlError.is(error) || error.code !== 'PAWL_UNAVAILABLE') throw error;
    }
  }
}

class Follower {
  readonly #world: World;
  readonly #program: Program;
  readonly #id: string;
  readonly #seed: number;
  readonly #random: () => number;
  /** What else follows of it, such as forks. */
  readonly #others: Promise<readonly string[]>[] = [];
  readonly #problems: string[] = [];
  #rewind: (() => void) | undefined;
  readonly #log: KeptLog;
  /** What it began with, if it is a fork. */
  readonly #base: Counted | undefined;
  #isCancelled = false;
  #needsSince: number | undefined;

  constructor(world: World, { program, seed }: Seeded, id: string, base?: Counted) {
    this.#world = world;
    this.#program = program;
    this.#id = id;
    this.#log = new KeptLog(world.fleet.caller, id);
    this.#seed = seed;
    this.#base = base;
    this.#random = randomOf(seed ^ 0x5eed);
  }

  async follow(happens: readonly Happening[]): Promise<readonly string[]> {
    const { fleet, hangMs } = this.#world;
    const { caller } = fleet;
    const run = caller.run(this.#id);
    const isDeleted = happens.some(({ kind }) => kind === 'delete');
    const told = isDeleted ? this.#waiter() : undefined;
    const { patience } = fleet;
    const began = patience.now;
    let isTriedAgain = false;
    for (let turn = 0; ; turn += 1) {
      const info = await this.#info(run);
      if (info === undefined) return this.#deleted(told);
      const { status } = info;
      if (ended.includes(status)) {
        const isToTry = happens.some(({ kind }) => kind === 'retry') && status === 'failed';
        if (!isToTry || isTriedAgain) return this.#ended(status, told);
        isTriedAgain = true;
        this.#world.witness.triedAgain(this.#id);
        // One whose work was undone is refused.
        await unlessOver(run.resume());
      }
      const { now } = patience;
      const isQuiet = now > Math.max(began, fleet.diedAt) + hangMs;
      if (isQuiet || now > began + hangsAtMost * hangMs) {
        const waits = info.waits.map(({ kind, name }) => `${kind} ${name}`).join(', ');
        await this.#tellWhyItHangs();
        return [...this.#problems, `hangs as ${status}, waiting for ${waits}`];
      }
      for (const { at, kind } of happens) {
        if (kind === 'delete' ? at <= turn : at === turn) await this.#happen(kind, info.seq);
      }
      // Whoever resumed it was forgotten, or came too early.
      if (info.paused && turn > lateTurn) await unlessOver(run.resume());
      const family = await this.#family();
      // A run that waits for newer code keeps its turn, and others of its key may wait for that.
      await this.#bringNewerCode(family.find(isBehind)?.needsVersion);
      await this.#lookAtKey(info);
      await this.#help(family);
      await pause(5 + this.#random() * 15);
    }
  }

  /** Undefined when the run was deleted. */
  async #info(run: RunHandle): Promise<RunInfo | undefined> {
    try {
      return await run.info();
    } catch (error) {
      if (PawlError.is(error) && error.code === 'PAWL_RUN_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** What somebody is told who waits for the result. */
  async #waiter(): Promise<string> {
    const { fleet, hangMs } = this.#world;
    const { caller } = fleet;
    try {
      await caller.run(this.#id).result({ timeoutMs: (hangsAtMost + 1) * hangMs });
      return 'completed';
    } catch (error) {
      return PawlError.is(error) ? error.code : String(error);
    }
  }

  /** What comes too late, or where it cannot be, changes nothing. */
  async #happen(kind: Happening['kind'], seq: number): Promise<void> {
    const { fleet } = this.#world;
    const run = fleet.caller.run(this.#id);
    try {
      switch (kind) {
        case 'pause':
          return await run.pause({ actor: 'fuzz' });
        case 'resume':
          await run.resume();
          return;
        case 'cancel':
          this.#isCancelled = true;
          return await run.cancel();
        case 'delete':
          await this.#delete();
          return;
        case 'fork':
          return await this.#fork(1 + Math.floor(this.#random() * seq));
        case 'image':
          this.#rewind = fleet.image(this.#id);
          return;
        case 'rewind':
          this.#rewind?.();
          return;
        case 'compact':
          return await this.#log.compact();
        case 'retry':
          return;
      }
    } catch (error) {
      if (!PawlError.is(error)) throw error;
    }
  }

  #attached: readonly string[] = [];

  async #delete(): Promise<void> {
    const { caller } = this.#world.fleet;
    const attached = await this.#attachedNow();
    await caller.delete(this.#id);
    this.#attached = attached;
  }

  async #attachedNow(): Promise<readonly string[]> {
    const { seq } = await this.#world.fleet.caller.run(this.#id).info();
    return attachedOf(this.#log, seq);
  }

  async #fork(seq: number): Promise<void> {
    const { fleet, witness } = this.#world;
    const id = `${this.#id}.fork`;
    const workflow = workflowOf(this.#program, witness);
    await fleet.caller.fork(workflow, this.#id, { seq }, { id });
    const base = await fleet.caller.run(workflow, this.#id).state({ seq });
    const again = { program: this.#program, seed: this.#seed + 1 };
    const fork = new Follower(this.#world, again, id, base).follow([]);
    const follows = fork.then((problems) => problems.map((what) => `fork at ${seq}: ${what}`));
    detach(follows, () => undefined);
    this.#others.push(follows);
  }

  /**
   * Of one key and one workflow, only so many are at work at any moment. The records of a list are read one after the other:
   * what is listed twice with the same fence was at work for all of the time between.
   */
  async #lookAtKey({
    workflow,
    key,
  }: {
    readonly workflow: string;
    readonly key?: string | undefined;
  }) {
    if (key === undefined) return;
    const { caller } = this.#world.fleet;
    const atWork = async (): Promise<Map<string, number>> => {
      const { runs } = await caller.list({ workflow, key, status: 'running' });
      return new Map(runs.map(({ id, fence }) => [id, fence]));
    };
    const first = await atWork();
    if (first.size <= keyLimit) return;
    const all = [...(await atWork())].filter(([id, fence]) => first.get(id) === fence);
    if (all.length <= keyLimit) return;
    const ids = all.map(([id]) => id).join(', ');
    this.#problems.push(`runs of ${key} at work at one time: ${ids}`);
  }

  async #bringNewerCode(needs: number | undefined): Promise<void> {
    const now = performance.now();
    if (needs === undefined) {
      this.#needsSince = undefined;
      return;
    }
    this.#needsSince ??= now;
    if (now - this.#needsSince < unseenMs) return;
    this.#needsSince = undefined;
    await this.#world.fleet.upgrade();
  }

  async #deleted(told: Promise<string> | undefined): Promise<readonly string[]> {
    const { caller } = this.#world.fleet;
    const what = await told;
    const mayBe = ['PAWL_RUN_NOT_FOUND', 'completed', 'PAWL_RUN_FAILED', 'PAWL_RUN_CANCELLED'];
    if (what === undefined || !mayBe.includes(what)) {
      this.#problems.push(`it was deleted, and who waits for it was told ${what}`);
    }
    this.#problems.push(...(await judgeChildren(caller, this.#attached)));
    return this.#all();
  }

  async #ended(status: string, told: Promise<string> | undefined): Promise<readonly string[]> {
    const { fleet, witness } = this.#world;
    const { caller } = fleet;
    const problems = this.#problems;
    const expected = mayEndAs(this.#program);
    const mayBe: readonly string[] = this.#isCancelled ? ['cancelled', expected] : [expected];
    if (!mayBe.includes(status)) problems.push(`ended as ${status}, not as ${mayBe.join(' or ')}`);
    const run = caller.run(workflowOf(this.#program, witness), this.#id);
    if (status === 'completed') {
      const result = await run.result();
      if (!isAllowed(this.#program, result)) problems.push(`ended with ${JSON.stringify(result)}`);
    }
    const mayGoBack = mayTakeBack(this.#program.parts);
    const log = { id: this.#id, events: () => this.#log.events(), state: () => run.state() };
    problems.push(...(await judgeLog(log, { base: this.#base, mayGoBack })));
    if (this.#program.isGraph !== true) problems.push(...(await this.#judgeHook(status)));
    problems.push(...(await judgeOutput(fleet.store, log, this.#program, witness)));
    if (status !== 'completed') {
      problems.push(...(await judgeChildren(caller, await this.#attachedNow())));
    }
    const bumps = witness.bumpsOf(this.#id) ?? 0;
    const kept = await answeredIn(log);
    if (new Set(kept).size < kept.length) problems.push('a question was answered twice');
    if (kept.length < bumps)
      problems.push(`${bumps} replies were given, the log has ${kept.length}`);
    if (told !== undefined) await told;
    if (problems.length > 0) await this.tellLog();
    return this.#all();
  }

  /** The story of a run that hangs has its log, its family and the runs of their keys. */
  async #tellWhyItHangs(): Promise<void> {
    const { fleet, witness } = this.#world;
    await this.tellLog();
    const family = await this.#family();
    const keys = new Set(family.map(({ key }) => key).filter((key) => key !== undefined));
    const lists = [...keys].map((key) => fleet.caller.list({ key, limit: 200 }));
    const ofKeys = (await Promise.all(lists)).flatMap(({ runs }) => runs);
    for (const { id, key, status, needsVersion, paused } of [...family, ...ofKeys]) {
      if (ended.includes(status)) continue;
      const about = JSON.stringify({ key, needsVersion, paused });
      witness.stories.tell(this.#id, `${id} is ${status} ${about}`);
    }
  }

  /** The story of a run with problems has its log as well. */
  async tellLog(): Promise<void> {
    const { fleet, witness } = this.#world;
    const run = fleet.caller.run(this.#id);
    // The events of a run that has not ended would be waited for.
    const { seq: last } = await run.info();
    for await (const { seq, type, data } of this.#log.events()) {
      const { name, patch, worker } = Object(data) as Record<string, unknown>;
      const about = JSON.stringify({ name, patch, worker });
      witness.stories.tell(this.#id, `log ${seq} ${type} ${about}`);
      if (seq >= last) break;
    }
  }

  /** The hook for the end is called, at least once, within a while. */
  async #judgeHook(status: string): Promise<readonly string[]> {
    const { fleet, witness, hangMs } = this.#world;
    const { patience } = fleet;
    const began = patience.now;
    while (!witness.wasHooked(this.#id, status)) {
      if (patience.now > Math.max(began, fleet.diedAt) + hangMs) {
        return [`it ended as ${status}, and its hook was not called`];
      }
      // The hook has the version of whatever worker started it, and may wait for newer code as a run does.
      await this.#bringNewerCode(await this.#hookNeeds());
      await pause(20);
    }
    return [];
  }

  async #hookNeeds(): Promise<number | undefined> {
    const tag = { key: 'end-of', value: this.#id };
    const { runs } = await this.#world.fleet.caller.list({ tag });
    return runs.find(({ needsVersion }) => needsVersion !== undefined)?.needsVersion;
  }

  async #all(): Promise<readonly string[]> {
    const others = await Promise.all(this.#others);
    return [...this.#problems, ...others.flat()];
  }

  /** Two people answer the same wait at the same time: one of them at most is told that this was taken. */
  async #answer(run: RunHandle, wait: string): Promise<void> {
    const { witness } = this.#world;
    const own = wait.split(nesting).at(-1) ?? wait;
    await Promise.all(
      ['a', 'b'].map((who) =>
        unlessOver(
          run
            .answer(wait, `${own}:${who}`, { actor: who, timeoutMs: answerMs })
            .then(() => witness.answered(run.id, wait)),
        ),
      ),
    );
  }

  /** The run itself, and all runs that came of it: with their hooks they may be many. */
  async #family(): Promise<readonly RunInfo[]> {
    const { caller } = this.#world.fleet;
    const own = await this.#info(caller.run(this.#id));
    const { runs } = await caller.list({ idPrefix: `${this.#id}.`, limit: 200 });
    return own === undefined ? runs : [own, ...runs];
  }

  /** Sends the signals and decisions that the run, or a child of it, waits for. */
  async #help(family: readonly RunInfo[]): Promise<void> {
    const { fleet, witness } = this.#world;
    const { caller, signalRate } = fleet;
    const random = this.#random;
    for (const one of family) {
      const handle = caller.run(one.id);
      if (random() < signalRate) {
        const name = signalNames[random() < 0.5 ? 0 : 1];
        const key = random() < 0.5 ? '0' : '1';
        const payload = `${name}:${key}`;
        await unlessOver(handle.signal(name, payload, random() < 0.7 ? { key } : {}));
      }
      if (random() < 0.15) {
        const asked = handle.ask('bump', 7, { timeoutMs: answerMs });
        await unlessOver(asked.then(() => witness.bumped(one.id)));
      }
      if (random() < 0.15) {
        const asked = handle.ask('passed', null, { timeoutMs: answerMs });
        await unlessOver(asked.then((names) => witness.passed(one.id, names as string[])));
      }
      for (const { kind, name, on = [] } of one.waits) {
        if (on.includes(answerSignal)) await this.#answer(handle, name);
        if (kind !== 'decision' && kind !== 'undo') continue;
        for (const effect of on) {
          witness.asked(one.id, effect);
          const isAgain = random() < 0.5;
          await unlessOver(
            handle.decide(
              effect,
              isAgain ? { decide: 'retry' } : { decide: 'done', result: 'decided' },
            ),
          );
        }
      }
    }
  }
}

/** Ids of the questions whose answers have changed the run. */
async function answeredIn(run: { events(): AsyncIterable<RunEvent> }): Promise<string[]> {
  const ids: string[] = [];
  for await (const { type, data } of run.events()) {
    if (type === 'run.answered') ids.push((data as { id: string }).id);
  }
  return ids;
}

function isBehind({ needsVersion }: RunInfo): boolean {
  return needsVersion !== undefined;
}

/** How long an answer waits for a run that is at work. */
const answerMs = 300;

async function unlessOver(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!PawlError.is(error)) throw error;
  }
}
