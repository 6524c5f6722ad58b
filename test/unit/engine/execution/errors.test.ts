// Goal: what a handler sees of an error, and what becomes of its run, is the same in the first execution and in later ones.
import { expect, test } from 'vitest';
import { type Context, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../../../support/memory.ts';
import { allEvents } from '../../../support/workers.ts';

class Declined extends Error {
  override readonly name = 'Declined';
  readonly status: number;
  constructor(status: number) {
    super('declined');
    this.status = status;
  }
}

/** What a handler may ask an error. */
function looksLike(error: unknown): unknown {
  const { cause } = error as { cause?: Record<string, unknown> };
  if (typeof cause !== 'object' || cause === null) return cause;
  return {
    name: cause['name'],
    message: cause['message'],
    status: cause['status'],
    class: cause.constructor?.name,
    isDeclined: cause instanceof Declined,
    isTypeError: cause instanceof TypeError,
    errors: (cause['errors'] as Error[] | undefined)?.map((one) => one.message ?? one),
    text: String(cause['stack']).split('\n')[0],
  };
}

const thrown: Readonly<Record<string, () => unknown>> = {
  declined: () => new Declined(402),
  type: () => new TypeError('no'),
  object: () => ({ status: 402 }),
  text: () => 'declined',
  nothing: () => undefined,
  several: () => new AggregateError([new Declined(1), new Declined(2)], 'all'),
  abort: () => AbortSignal.abort().reason as unknown,
  weird: () => Object.assign(new Error('x'), { message: { status: 400 }, stack: null }),
  bare: () => Object.create(null) as unknown,
  revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
};
const kinds = Object.keys(thrown);

test('a handler decides by the error of a step as it does when it is called again', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const seen = new Map<string, unknown[]>(kinds.map((kind) => [kind, []]));
  const workflow = defineWorkflow({
    name: 'deciding',
    signals: { go: z.null() },
    async run(ctx: Context) {
      for (const kind of kinds) {
        try {
          await ctx.step(kind, () => {
            throw thrown[kind]?.();
          });
        } catch (error) {
          seen.get(kind)?.push(looksLike(error));
        }
      }
      await ctx.waitFor('go' as never);
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await run.signal('go', null);
  await run.result();
  for (const [kind, [first, ...later]] of seen) {
    expect(later.length, kind).toBeGreaterThan(0);
    for (const again of later) expect(again, kind).toEqual(first);
  }
  expect(seen.get('declined')?.[0]).toMatchObject({ name: 'Declined', status: 402 });
  expect(seen.get('text')?.[0]).toBe('declined');
});

test('whatever a handler throws, its run has failed, after one execution', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const calls: string[] = [];
  const workflow = defineWorkflow({
    name: 'throwing',
    input: z.string(),
    run(_ctx, kind) {
      calls.push(kind);
      throw thrown[kind]?.();
    },
  });
  pawl.worker({ workflows: [workflow] });
  for (const kind of kinds) {
    const run = await pawl.start(workflow, kind);
    await expect(run.result()).rejects.toMatchObject({ code: 'PAWL_RUN_FAILED' });
    expect((await allEvents(run)).at(-1)?.type).toBe('run.failed');
  }
  expect(calls).toEqual(kinds);
});

test('what is said of a failed run can always be said in JSON', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const workflow = defineWorkflow({
    name: 'large',
    run() {
      throw Object.assign(new AggregateError([2n, new Error('one')], 'all'), { block: 5n });
    },
  });
  pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await expect(run.result()).rejects.toMatchObject({ cause: { block: 5n, errors: [2n, {}] } });
  const { error } = await run.info();
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({
    name: 'AggregateError',
    message: 'all',
    errors: [{ message: '2' }, { message: 'one' }],
  });
});

test('a retryIf that throws fails what it should have decided about, and says so', async () => {
  const { pawl } = memoryPawl();
  await using _ = pawl;
  const retry = {
    attempts: 3,
    delay: 1,
    retryIf: (error: unknown) => (error as { response: { status: number } }).response.status > 499,
  };
  let calls = 0;
  const fails = (): never => {
    calls += 1;
    throw new TypeError('fetch failed');
  };
  const whole = defineWorkflow({ name: 'whole', retry, run: fails });
  const step = defineWorkflow({ name: 'one', run: (ctx) => ctx.step('one', fails, { retry }) });
  pawl.worker({ workflows: [whole, step] });
  for (const workflow of [whole, step]) {
    calls = 0;
    const run = await pawl.start(workflow, undefined);
    await expect(run.result()).rejects.toThrow(/retryIf threw .*fetch failed/);
    expect(calls).toBe(1);
  }
});
