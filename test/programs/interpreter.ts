/** The workflow that plays programs. What its parts return is what `allowed.ts` allows. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Context, defineWorkflow, type StepContext } from 'pawl';
import { z } from 'zod';
import { type Part, type Program, signalNames } from './program.ts';
import type { Witness } from './witness.ts';

class Boom extends Error {
  override readonly name = 'Boom';
}

const events = { added: z.number(), refused: z.string() };
const signals = { red: z.string(), green: z.string() };
const state = z.object({
  sum: z.number().default(0),
  marks: z.record(z.string(), z.number()).default({}),
});

type State = { sum: number; marks: Record<string, number> };
type Ctx = Context<typeof state, typeof events, typeof signals>;

/** `worker` names the process that plays, for the witness. */
export function playing(witness: Witness, worker: string) {
  let self: unknown;
  const workflow = defineWorkflow({
    name: 'program',
    input: z.custom<Program>(),
    ...{ state, events, signals },
    retry: { attempts: 2, delayMs: 5 },
    reduce: {
      added: (s: State, n: number) => ({ ...s, sum: s.sum + n }),
      refused: (): State => {
        throw new Error('refused');
      },
    },
    run: (ctx, program: Program): Promise<unknown[]> =>
      new Player(ctx, witness, worker, self).play(program),
  });
  self = workflow;
  return workflow;
}

class Player {
  readonly #ctx: Ctx;
  readonly #witness: Witness;
  readonly #worker: string;
  readonly #workflow: unknown;

  constructor(ctx: Ctx, witness: Witness, worker: string, workflow: unknown) {
    this.#ctx = ctx;
    this.#witness = witness;
    this.#worker = worker;
    this.#workflow = workflow;
  }

  async play({ parts }: Program): Promise<unknown[]> {
    const results: unknown[] = [];
    for (const part of parts) results.push(await this.#caught(part));
    return results;
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
      try {
        return await body(step);
      } finally {
        this.#witness.ends(run, name);
      }
    };
  }

  async #part(part: Part): Promise<unknown> {
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
            return name;
          }),
          { retry: { attempts: part.attempts, delayMs: 2 } },
        );
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
          { retry: { attempts: part.attempts, delayMs: 1 } },
        );
      case 'map':
        return ctx.map(
          name,
          Array.from({ length: part.items }, (_, i) => i),
          (item, step) =>
            this.#body(`${name}:${item}`, async () => {
              await pause(1);
              if (item === part.failsAt) throw new Error('as told');
              return item;
            })(step),
          { concurrency: part.lanes },
        );
      case 'sleep':
        await ctx.sleep(part.ms, { as: name });
        return 'slept';
      case 'wait': {
        const timed = part.ms === undefined ? {} : { timeout: part.ms };
        return (await ctx.waitFor(part.signal as 'red', { as: name, ...timed })) ?? 'late';
      }
      case 'waitAny':
        return (await ctx.waitForAny(signalNames, { as: name }))?.name;
      case 'effect':
        return this.#effect(part);
      case 'child': {
        const options = { as: name, attached: part.isAttached };
        const child = await ctx.start(this.#workflow as never, part.of as never, options);
        return child.result();
      }
      case 'set':
        await ctx.set({ marks: { ...ctx.state.marks, [name]: 1 } });
        return 'set';
      case 'emit':
        await (ctx.emit as (type: string, data: unknown) => Promise<void>)('added', 1);
        return 'emitted';
      case 'checkpoint':
        await ctx.checkpoint({ label: name });
        return 'kept';
      case 'loose':
        void ctx.step(
          name,
          this.#body(name, () => Promise.reject(new Error('nobody looks'))),
        );
        return 'loose';
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

  /** Only what is stored comes out the same: what writes again, or awaits something plain, may come later. */
  #note(name: string, of: readonly Part[], way: string): void {
    if (of.every(isStored)) this.#witness.decides(this.#ctx.run, name, way);
  }

  async #effect(part: Extract<Part, { kind: 'effect' }>): Promise<unknown> {
    const { run } = this.#ctx;
    const { name, doubt } = part;
    let failed = false;
    const body = this.#body(name, async () => {
      this.#witness.effectBegins(run, name, doubt);
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
    return (await this.#ctx.effect(name, body, { onDoubt })) ?? 'skipped';
  }
}

function isStored(part: Part): boolean {
  return ['step', 'nest', 'map', 'sleep', 'wait', 'waitAny'].includes(part.kind);
}
