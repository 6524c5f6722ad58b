/** The workflow that plays programs. What their parts return is what `allowed.ts` allows. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { NonRetryableError } from '../../src/core/errors.ts';
import type { StepContext } from '../../src/engine/definition/context.ts';
import type {
  HowToUndo,
  HowToUndoItem,
  UndoContext,
} from '../../src/engine/definition/undoable.ts';
import { defineWorkflow, type Workflow } from '../../src/engine/definition/workflow.ts';
import { isOf } from './allowed.ts';
import { answering } from './answering.ts';
import type { Said } from './given-out.ts';
import { type Doubt, type Part, type Program, signalNames } from './program.ts';
import { type Ctx, type events, shared, type signals, type State, type state } from './shape.ts';
import type { Witness } from './witness.ts';

class Boom extends Error {
  override readonly name = 'Boom';
}

class Withdrawn extends Error {
  override readonly name = 'Withdrawn';
}

/**
 * Where code is at work: in a worker, as its handlers find it, and in a part of a program, as the bodies inside find it.
 */
export const place = new AsyncLocalStorage<string>();

export interface Playing {
  readonly witness: Witness;
  /** Names the process that plays, for the witness. */
  readonly worker: string;
  readonly version?: number;
}

/** Plays programs one part after the other. */
export function playing(by: Playing) {
  const { version = 1 } = by;
  let self: unknown;
  const workflow = defineWorkflow({
    name: 'program',
    version,
    ...shared,
    ...(version > 1 ? { migrate: { 1: (old: State): State => old } } : {}),
    run: (ctx, program: Program): Promise<unknown[]> => new Player(ctx, by, self).play(program),
    onEnd: (ctx, end) => ctx.step('tell', () => by.witness.hooked(end.run, end.status)),
  });
  self = workflow;
  return workflow;
}

/** What a child is started as. */
type Asked = Workflow<typeof shared.input, typeof state, typeof events, unknown[], typeof signals>;

function counts({ completed, failed }: { readonly completed: number; readonly failed: number }) {
  return [completed, failed];
}

/** Others send signals as well: the child may be over before its parent has. */
function unlessOver(error: unknown): void {
  const { cause } = error as { readonly cause?: { readonly code?: string } };
  if (cause?.code !== 'PAWL_RUN_ENDED') throw error;
}

interface ToUndo {
  readonly name: string;
  readonly undo?: 'well' | 'again' | 'stuck';
  readonly doubt?: Doubt;
}

export class Player {
  readonly #ctx: Ctx;
  readonly #witness: Witness;
  readonly #worker: string;
  /** What children play. */
  readonly #workflow: unknown;
  readonly #isNode: boolean;

  constructor(ctx: Ctx, { witness, worker }: Playing, workflow: unknown, isNode = false) {
    this.#ctx = ctx;
    this.#witness = witness;
    this.#worker = worker;
    this.#workflow = workflow;
    this.#isNode = isNode;
    this.#mustBeIn(worker, 'the handler');
  }

  #mustBeIn(begin: string, who: string): void {
    const at = place.getStore();
    if (at?.startsWith(begin) === true) return;
    this.#witness.violate(this.#ctx.run, `${who} is at ${at}, not in ${begin}`);
  }

  async play({ parts }: Program): Promise<unknown[]> {
    const passed = answering(this.#ctx);
    const results: unknown[] = [];
    for (const part of parts) {
      results.push(await this.#caught(part));
      if (part.kind === 'step' && results.at(-1) === part.name) passed.push(part.name);
    }
    return results;
  }

  one(part: Part): Promise<unknown> {
    return this.#caught(part);
  }

  async #caught(part: Part): Promise<unknown> {
    try {
      return await this.#part(part);
    } catch (error) {
      if (error instanceof Boom) throw error;
      return 'failed';
    }
  }

  #body<T>(
    name: string,
    body: (step: StepContext) => Promise<T>,
  ): (step: StepContext) => Promise<T> {
    return async (step) => {
      const { run } = this.#ctx;
      this.#witness.begins(run, name, this.#worker);
      this.#mustBeIn(`${this.#worker}/`, `the body of ${name}`);
      const part = place.getStore()?.split('/')[1] ?? '';
      if (!name.startsWith(part)) this.#witness.violate(run, `the body of ${name} is at ${part}`);
      try {
        return await body(step);
      } finally {
        this.#witness.ends(run, name, this.#worker);
      }
    };
  }

  #part(part: Part): Promise<unknown> {
    return place.run(`${this.#worker}/${part.name}`, () => this.#partHere(part));
  }

  async #partHere(part: Part): Promise<unknown> {
    const ctx = this.#ctx;
    const { name } = part;
    switch (part.kind) {
      case 'step':
        return ctx.step(
          name,
          this.#body(name, async (step) => {
            if (part.ms > 0) await pause(part.ms);
            if (step.attempt <= part.fails) throw new Error('as told');
            const emit = step.emit as (type: string, data: unknown) => void;
            for (let i = 0; i < part.events; i++) emit('added', 1);
            if (part.isRefused) emit('refused', name);
            if (part.sets !== undefined) {
              step.set({ latest: part.sets === 'well' ? name : 7 } as never);
            }
            return name;
          }),
          {
            ...this.#undoOf(part),
            ...(part.attempts === 2 && !this.#isNode
              ? {}
              : { retry: { attempts: part.attempts, delay: 2 } }),
          },
        );
      case 'final':
        return this.#final(name);
      case 'talk':
        return this.#talk(part);
      case 'nest':
        return ctx.step(
          name,
          this.#body(name, async (step) => {
            const inner = Array.from({ length: part.inner }, (_, i) =>
              step.step(
                `i${i}`,
                this.#body(`${name} › i${i}`, async () => {
                  await pause(i);
                  return i;
                }),
              ),
            );
            if (step.attempt <= part.fails) throw new Error('as told');
            return (await Promise.all(inner)).length;
          }),
          { retry: { attempts: part.attempts, delay: 1 } },
        );
      case 'map': {
        const body = (item: number, step: StepContext): Promise<number> =>
          this.#body(`${name}:${item}`, async () => {
            await pause(1);
            if (item === part.failsAt) throw new Error('as told');
            return item;
          })(step);
        const items = Array.from({ length: part.items }, (_, i) => i);
        const how = { concurrency: part.loops, ...this.#undoOfItems(part) };
        if (!part.collects) return ctx.map(name, items, body, how);
        return counts(await ctx.map(name, items, body, { ...how, onError: 'collect' }));
      }
      case 'startAll': {
        const inputs = Array.from({ length: part.items }, (_, i): Program => {
          return { parts: [{ kind: i === part.failsAt ? 'throw' : 'emit', name: 'n1' }] };
        });
        const how = { as: name, concurrency: part.loops };
        const child = this.#workflow as never;
        if (!part.collects) return ctx.startAll(child, inputs as never, how);
        return counts(await ctx.startAll(child, inputs as never, { ...how, onError: 'collect' }));
      }
      case 'ask': {
        const of: Program = { parts: [{ kind: 'wait', name: 'n1', signal: 'red' }] };
        const child = await ctx.start(this.#workflow as Asked, of, { as: name });
        if (part.how === 'cancel') await child.cancel();
        else await child.signal('red', 'red:0').catch(unlessOver);
        return child.result();
      }
      case 'sleep':
        await ctx.sleep(part.ms, { as: name });
        return 'slept';
      case 'wait': {
        const timed = part.ms === undefined ? {} : { timeout: part.ms };
        return (await ctx.waitFor(part.signal as 'red', { as: name, ...timed })) ?? 'late';
      }
      case 'match': {
        const match = (payload: string): boolean => payload.endsWith(part.only);
        return ctx.waitFor(part.signal as 'red', { as: name, match });
      }
      case 'keyed':
        return ctx.waitFor(part.signal as 'red', { as: name, key: part.key });
      case 'answered':
        return ctx.waitFor('blue', { as: name, label: name, form: { text: 'text' } });
      case 'withdraw':
        return this.#withdraw(part);
      case 'waitAll': {
        const both = await ctx.waitForAll(signalNames, { as: name });
        return both !== undefined && isOf('red', both.red) && isOf('green', both.green) && 'both';
      }
      case 'until': {
        const now = await ctx.now(`${name}.now`);
        await ctx.sleepUntil(new Date(now.getTime() + part.ms), { as: name });
        return 'slept';
      }
      case 'timed':
        return ctx.step(
          name,
          this.#body(name, async ({ signal }) => {
            await pause(part.ms, undefined, { signal });
            return name;
          }),
          { timeout: part.limit, retry: { attempts: part.attempts, delay: 2 } },
        );
      case 'rounds':
        return this.#rounds(name, part.times);
      case 'phases':
        for (let phase = 0; phase < part.times; phase += 1) {
          const step = `${name}.${phase}`;
          await ctx.set({ phase: `${name}:${phase}` });
          await ctx.step(
            step,
            this.#body(step, async () => phase),
          );
        }
        return part.times;
      case 'burst':
        await Promise.all(Array.from({ length: part.events }, () => this.#add()));
        return 'emitted';
      case 'waitAny':
        return (await ctx.waitForAny(signalNames, { as: name }))?.name;
      case 'effect':
        return this.#effect(part);
      case 'child': {
        const { key } = part.of;
        const keyed = key === undefined ? {} : { key };
        const options = { as: name, attached: part.isAttached, ...keyed };
        const child = await ctx.start(this.#workflow as never, part.of as never, options);
        return child.result();
      }
      case 'set':
        await this.#mark(name, 1);
        return 'set';
      case 'emit':
        await this.#add();
        return 'emitted';
      case 'checkpoint':
        await ctx.checkpoint({ label: name });
        return 'kept';
      case 'unmanaged':
        void ctx.step(
          name,
          this.#body(name, () => Promise.reject(new Error('nobody looks'))),
        );
        return 'unmanaged';
      case 'plain':
        await pause(part.ms);
        return 'plain';
      case 'all':
        return Promise.all(part.of.map((one) => this.#caught(one)));
      case 'settled':
        return (await Promise.allSettled(part.of.map((one) => this.#part(one)))).length;
      case 'race':
        return this.#race(part.name, part.of);
      case 'ctxRace':
        return this.#ctxRace(part.name, part.of);
      case 'throw':
        throw new Boom('as told');
    }
  }

  #talk({ name, chunks, fails, attempts, ms }: Extract<Part, { kind: 'talk' }>): Promise<unknown> {
    const body = this.#body(name, async (step) => {
      for (let i = 0; i < chunks; i++) {
        const said: Said = { i, mark: `${name}.${i}.${randomUUID()}` };
        const written = this.#said(step, said);
        written.catch(() => undefined);
        if (i % 3 === 0) await written;
        if (i === chunks >> 1) {
          if (ms > 0) await pause(ms);
          if (step.attempt <= fails) throw new Error('as told');
        }
      }
      return name;
    });
    return this.#ctx.step(name, body, { retry: { attempts, delay: 2 } });
  }

  async #said(step: StepContext, said: Said): Promise<void> {
    await step.write(said);
    this.#witness.chunkAcknowledged(this.#ctx.run, said.mark, this.#worker);
  }

  #add(): Promise<void> {
    return (this.#ctx.emit as (type: string, data: unknown) => Promise<void>)('added', 1);
  }

  #mark(name: string, value: number): Promise<void> {
    return this.#ctx.set({ marks: { ...this.#ctx.state.marks, [name]: value } });
  }

  /** The state tells how far it has come, so that what is done can be forgotten. */
  async #rounds(name: string, times: number): Promise<number> {
    const ctx = this.#ctx;
    for (let round = ctx.state.marks[name] ?? 0; round < times; round += 1) {
      const step = `${name}.${round}`;
      await ctx.step(
        step,
        this.#body(step, async () => round),
      );
      await this.#mark(name, round + 1);
      ctx.forget(step);
    }
    return ctx.state.marks[name] ?? 0;
  }

  /** What no attempt mends is not tried again, and comes to the handler whole. */
  async #final(name: string): Promise<unknown> {
    const body = this.#body(name, async (step): Promise<never> => {
      if (step.attempt > 1) this.#witness.violate(this.#ctx.run, `${name} was tried again`);
      const cause = Object.assign(new RangeError('inner'), { within: new TypeError(name) });
      throw new NonRetryableError('as told', { cause });
    });
    try {
      return await this.#ctx.step(name, body, { retry: { attempts: 3, delay: 1 } });
    } catch (error) {
      const { cause } = error as { cause?: { cause?: { within?: Error } } };
      if (!(cause instanceof NonRetryableError)) throw error;
      const isWhole = cause.cause instanceof RangeError && cause.cause.within instanceof TypeError;
      return isWhole ? cause.cause?.within?.message : 'not whole';
    }
  }

  async #withdraw({ name, signal, ms }: Extract<Part, { kind: 'withdraw' }>): Promise<unknown> {
    const over = new AbortController();
    const late = setTimeout(() => over.abort(new Withdrawn()), ms);
    try {
      return await this.#ctx.waitFor(signal as 'red', { as: name, signal: over.signal });
    } catch (error) {
      if (error instanceof Withdrawn) return 'withdrawn';
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  async #race(name: string, of: readonly Part[]): Promise<unknown> {
    const [way, value] = await Promise.race(
      of.map(async (one) => [one.name, await this.#caught(one)] as const),
    );
    this.#note(name, of, way);
    return value;
  }

  async #ctxRace(name: string, of: readonly Part[]): Promise<unknown> {
    const entries = Object.fromEntries(of.map((one) => [one.name, () => this.#caught(one)]));
    const { name: way, value } = await this.#ctx.race(entries);
    this.#note(name, of, way);
    return value;
  }

  /**
   * Only what is stored comes out the same: what writes again, or awaits something plain, may come later. And when the run
   * is being cancelled, its waits end by that.
   */
  #note(name: string, of: readonly Part[], way: string): void {
    if (this.#ctx.signal.aborted) return;
    if (of.every(isStored)) this.#witness.decides(this.#ctx.run, name, way, this.#worker);
  }

  async #effect(part: Extract<Part, { kind: 'effect' }>): Promise<unknown> {
    const { run } = this.#ctx;
    const { name, doubt } = part;
    let failed = false;
    const body = this.#body(name, async () => {
      this.#witness.effectBegins(run, name, doubt, this.#worker);
      await pause(2);
      if (part.fails > 0 && !failed) {
        failed = true;
        throw new Error('as told');
      }
      return name;
    });
    const onDoubt =
      doubt === 'probe'
        ? () => {
            this.#witness.asked(run, name);
            return { happened: true as const, result: name };
          }
        : doubt;
    const options = { onDoubt, ...this.#undoOf(part) };
    return (await this.#ctx.effect<string>(name, body, options)) ?? 'skipped';
  }

  #undoOfItems({ name, undo }: ToUndo): {
    undo?: HowToUndoItem<number, number, typeof events, typeof state>;
  } {
    if (undo === undefined || this.#isNode) return {};
    const run = (item: number, result: number, step: StepContext, index: number): unknown =>
      this.#body(`${name}:${index} ›› undo`, async () => {
        await pause(1);
        if (item !== index || result !== item)
          this.#witness.violate(this.#ctx.run, `item ${index} of ${name} is undone as ${item}`);
        if (undo === 'stuck' || (undo === 'again' && step.attempt === 1))
          throw new Error('as told');
        return name;
      })(step);
    return { undo: { run, retry: { attempts: 2, delay: 1 } } };
  }

  /** What is inside of a node has no undo of its own. */
  #undoOf({ name, undo, doubt }: ToUndo): {
    undo?: HowToUndo<unknown, typeof events, typeof state>;
  } {
    if (undo === undefined || this.#isNode) return {};
    const run = (result: unknown, step: UndoContext<typeof events, typeof state>): unknown =>
      this.#body(`${name} ›› undo`, async () => {
        await pause(1);
        const isOwn = result === name || result === 'decided' || doubt === 'skip';
        if (!isOwn && !step.isInDoubt)
          this.#witness.violate(this.#ctx.run, `${name} is undone with ${String(result)}`);
        if (undo === 'stuck' || (undo === 'again' && step.attempt === 1))
          throw new Error('as told');
        return name;
      })(step);
    return { undo: { run, retry: { attempts: 2, delay: 1 } } };
  }
}

function isStored(part: Part): boolean {
  return [
    'step',
    'talk',
    'nest',
    'map',
    'sleep',
    'wait',
    'match',
    'keyed',
    'answered',
    'waitAny',
    'waitAll',
  ].includes(part.kind);
}
