// Goal: whoever reads an answer, from any place in it and whatever died meanwhile, is left with what the run has said.
// Method: a worker that vanishes for its store in the middle of a call; the SDK's own reader of messages; chunks by hand.
import { afterEach, describe, expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import {
  type AnswerFailure,
  durableAgent,
  resumableStreams,
  serveAnswers,
  uiMessageResponse,
  uiMessageStream,
} from 'pawl/ai';
import { UiAnswer } from '../../../src/ai/ui-answer.ts';
import { scripted, sdks } from '../../support/ai-sdk.ts';
import { memoryPawl } from '../../support/memory.ts';

let opened: Pawl | undefined;
afterEach(async () => {
  await opened?.close({ graceMs: 0 });
  opened = undefined;
});

const [six, seven] = sdks;
if (six === undefined || seven === undefined) throw new Error('a version of the SDK is missing');

/** One answer, of which the first worker says two words before it is gone. */
async function cutAnswer(): Promise<{ pawl: Pawl; run: string; all: string }> {
  const { pawl, store } = memoryPawl();
  opened = pawl;
  let calls = 0;
  const talk = defineWorkflow({
    name: 'talk',
    async run(ctx) {
      const agent = durableAgent(ctx, { stream: true });
      calls += 1;
      const isFirst = calls === 1;
      let parts = 0;
      const pace = async (): Promise<void> => {
        parts += 1;
        // Behind its second word.
        if (!isFirst || parts !== 6) return;
        store.vanish(first.id);
        await new Promise(() => undefined);
      };
      const words = isFirst ? ['It ', 'might ', 'be ', 'so.'] : ['It ', 'is ', 'not.'];
      const model = agent.model(scripted(seven as (typeof sdks)[number], () => ({ words }), pace));
      return (await seven?.sdk.generateText({ model, prompt: 'Is it?' }))?.text ?? '';
    },
  });
  const first = pawl.worker({ workflows: [talk] });
  await first.ready();
  const run = await pawl.start(talk, undefined, { id: 'answer-1' });
  await expect.poll(() => calls).toBeGreaterThan(0);
  pawl.worker({ workflows: [talk] });
  return { pawl, run: run.id, all: await run.result({ timeoutMs: 20_000 }) };
}

async function all<T>(stream: Iterable<T> | ReadableStream<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

test('a page drops the half of a call that was made again, and has each token one time', async () => {
  const { pawl, run, all: whole } = await cutAnswer();
  expect(whole).toBe('It is not.');
  const told = await all(uiMessageStream(pawl.run(run)));
  expect(told.map(({ type, delta }) => delta ?? type)).toEqual([
    'start',
    'start-step',
    'text-start',
    'It ',
    'might ',
    'reset-step',
    'text-start',
    'It ',
    'is ',
    'not.',
    'text-end',
    'finish-step',
    'finish',
  ]);
  let last: { parts: object[] } | undefined;
  const stream = uiMessageStream(pawl.run(run)) as never;
  for await (const message of seven.sdk.readUIMessageStream({ stream })) last = message;
  expect(last?.parts).toMatchObject([{ type: 'step-start' }, { type: 'text', text: whole }]);
});

test('a page that knows no reset gets a call when it is whole', async () => {
  const { pawl, run, all: whole } = await cutAnswer();
  const stream = uiMessageStream(pawl.run(run), { resets: false }) as never;
  let last: { parts: object[] } | undefined;
  for await (const message of six.sdk.readUIMessageStream({ stream })) last = message;
  expect(last?.parts).toMatchObject([{ type: 'step-start' }, { type: 'text', text: whole }]);
});

test('a page that comes back at any place misses nothing, and gets nothing twice', async () => {
  const { pawl, run } = await cutAnswer();
  const serve = serveAnswers(pawl, { find: (request) => ({ run: request.url.slice(-8) }) });
  const text = async (place?: string): Promise<string> => {
    const headers = place === undefined ? {} : { 'last-event-id': place };
    return (await serve(new Request(`http://localhost/${run}`, { headers }))).text();
  };
  const whole = await text();
  expect(await uiMessageResponse(pawl.run(run)).text()).toBe(whole);
  const events = whole.split(/(?<=\n\n)/);
  expect(events.at(-1)).toBe('data: [DONE]\n\n');
  expect(events.length).toBeGreaterThan(10);
  for (const [i, event] of events.slice(0, -1).entries()) {
    const [, place] = /^id: (\d+)\n/.exec(event) ?? [];
    expect(await text(place)).toBe(events.slice(i + 1).join(''));
  }
});

test('a route says what it has not, and leaves the check to its owner', async () => {
  const { pawl, run } = await cutAnswer();
  const serve = serveAnswers(pawl, {
    find: ({ url }) =>
      url.endsWith('no') ? new Response(null, { status: 401 }) : { run: url.slice(17) },
  });
  const status = async (path: string, headers = {}): Promise<number> =>
    (await serve(new Request(`http://localhost/${path}`, { headers }))).status;
  expect(await status('no')).toBe(401);
  expect(await status('nothing')).toBe(404);
  expect(await status(run, { 'last-event-id': 'x' })).toBe(400);
  expect(await status(run)).toBe(200);
  expect(() => serveAnswers(pawl, {} as never)).toThrow('find is missing');
  expect(() => uiMessageStream(pawl.run(run), { afer: 1 } as never)).toThrow('Did you mean after?');
});

test('the functions of resumable-stream go on at any character', async () => {
  const { pawl } = memoryPawl();
  opened = pawl;
  let go: () => void = () => undefined;
  const going = new Promise<void>((resolve) => (go = resolve));
  const talk = defineWorkflow({
    name: 'talk',
    async run(ctx) {
      await ctx.step('say', async (step) => step.output('ui').write({ type: 'start-step' }));
      await going;
    },
  });
  pawl.worker({ workflows: [talk] });
  const streams = resumableStreams(pawl, { answer: 'none' });
  const start = (): unknown => pawl.start(talk, undefined, { id: 'chat-1' });
  expect(await streams.hasExistingStream('chat-1')).toBeNull();
  expect(await streams.resumeExistingStream('chat-1')).toBeUndefined();
  const first = await streams.resumableStream('chat-1', start);
  const second = await streams.resumableStream('chat-1', () => expect.unreachable(), 9);
  const third = await streams.resumeExistingStream('chat-1', 9);
  expect(await streams.hasExistingStream('chat-1')).toBe(true);
  go();
  const texts = await Promise.all(
    [first, second, third].map(async (one) => (await all(one ?? [])).join('')),
  );
  expect(texts[0]).toMatch(/"start"[^]*"finish"[^]*\[DONE\]\n\n$/);
  expect(texts[1]).toBe(texts[0]?.slice(9));
  expect(texts[2]).toBe(texts[1]);
  await pawl.run('chat-1').result();
  expect(await streams.hasExistingStream('chat-1')).toBe('DONE');
  expect(await streams.resumeExistingStream('chat-1')).toBeNull();
  expect(await streams.createNewResumableStream('chat-1', start)).toBeNull();
});

test('one run gives several answers, each with its end', async () => {
  const { pawl } = memoryPawl();
  opened = pawl;
  let go: () => void = () => undefined;
  const going = new Promise<void>((resolve) => (go = resolve));
  const thread = defineWorkflow({
    name: 'thread',
    async run(ctx) {
      for (const answer of ['one', 'two']) {
        const agent = durableAgent(ctx, { answer, stream: true });
        const model = agent.model(scripted(six, () => ({ words: [answer] })));
        await six.sdk.generateText({ model, prompt: 'x' });
        await agent.end(answer === 'two' ? 'No more.' : undefined);
      }
      await going;
    },
  });
  pawl.worker({ workflows: [thread] });
  const run = await pawl.start(thread, undefined);
  // Both end while the run goes on.
  const one = await all(uiMessageStream(run, { answer: 'one', messageId: 'm-1' }));
  const two = await all(uiMessageStream(run, { answer: 'two' }));
  go();
  expect(one.at(0)).toEqual({ type: 'start', messageId: 'm-1' });
  expect(one.at(-1)).toEqual({ type: 'finish' });
  expect(one.map(({ delta }) => delta).join('')).toBe('one');
  expect(two.at(-1)).toEqual({ type: 'error', errorText: 'No more.' });
  expect(two.map(({ delta }) => delta).join('')).toBe('two');
});

test.each([
  ['cancelled', 'abort'],
  ['failed', 'error'],
])('a run that is %s ends its answer', async (end, type) => {
  const { pawl } = memoryPawl();
  opened = pawl;
  const waits = defineWorkflow({
    name: 'waits',
    async run(ctx) {
      if (end === 'failed') throw new Error('a secret');
      await ctx.sleep('1h');
    },
  });
  pawl.worker({ workflows: [waits] });
  const run = await pawl.start(waits, undefined);
  if (end === 'cancelled') await run.cancel();
  const told = await all(uiMessageStream(run, { failure: 'Sorry.' }));
  expect(told.map((chunk) => chunk.type)).toEqual(['start', type]);
  expect(JSON.stringify(told)).not.toContain('secret');
});

describe('a run that stops in the middle of its answer', () => {
  /** Its worker hangs after two words, and is taken for lost. */
  async function stopped() {
    const { pawl, store } = memoryPawl();
    opened = pawl;
    let isMended = false;
    let parts = 0;
    const pace = async (): Promise<void> => {
      parts += 1;
      if (!isMended && parts === 6) await new Promise(() => undefined);
    };
    const talk = defineWorkflow({
      name: 'talk',
      async run(ctx) {
        const words = ['It ', 'might ', 'be ', 'so.'];
        const scripting = scripted(seven as (typeof sdks)[number], () => ({ words }), pace);
        const model = durableAgent(ctx, { stream: true }).model(scripting);
        return (await seven?.sdk.generateText({ model, prompt: 'Is it?' }))?.text ?? '';
      },
    });
    const worker = pawl.worker({ workflows: [talk], beatMs: 5_000 });
    const run = await pawl.start(talk, undefined, { id: 'talk-1' });
    await expect.poll(() => parts).toBe(6);
    const lost = { worker: worker.id, reason: 'presence-lost', lastSeenAt: 0 } as const;
    return {
      run,
      serve: (found = {}) => {
        const find = () => ({ run: run.id, ...found });
        return serveAnswers(pawl, { find })(new Request('http://localhost/'));
      },
      quarantine: () =>
        store.fleet.interrupt({ ...lost, resendMs: 60_000, quarantineAfter: 0, limit: 10 }),
      mend: async () => {
        isMended = true;
        await run.resume();
        return run.result({ timeoutMs: 20_000 });
      },
    };
  }

  const pageOf = async (served: Promise<Response>): Promise<string> => (await served).text();

  test('is quarantined: the page is told so, and gets the whole when somebody has resumed it', async () => {
    const { serve, quarantine, mend } = await stopped();
    const page = pageOf(serve());
    const knowing = pageOf(
      serve({ failure: ({ status, error }: AnswerFailure) => `${status}: ${error?.message}` }),
    );
    await quarantine();
    expect(await page).toMatch(
      /"delta":"might ".*"The run of this answer is quarantined\. .*\[DONE\]/s,
    );
    expect(await knowing).toContain('"errorText":"quarantined: ');
    expect(await mend()).toBe('It might be so.');
    expect(await pageOf(serve())).toMatch(/"delta":"so\.".*"type":"finish"/s);
  });
});

test('the page of a run that is deleted while it waits is told so', async () => {
  const { pawl } = memoryPawl();
  opened = pawl;
  const waits = defineWorkflow({ name: 'waits', run: (ctx) => ctx.sleep('1h') });
  pawl.worker({ workflows: [waits] });
  const run = await pawl.start(waits, undefined);
  const told = all(uiMessageStream(run));
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await pawl.delete(run.id);
  const error = { type: 'error', errorText: 'The run of this answer was deleted.' };
  expect((await told).slice(1)).toEqual([error]);
  await expect(all(uiMessageStream(run))).rejects.toMatchObject({ code: 'PAWL_RUN_NOT_FOUND' });
});

describe('chunks by hand', () => {
  const about = { answer: 'a', messageId: 'm' };
  const next = (told: UiAnswer, step: string, begins: boolean, value: object): string[] =>
    told.next({ step: `a/${step}`, begins, value }).map(({ type }) => type);
  const delta = { type: 'text-delta', id: '0', delta: 'x' };
  const begin = { type: 'start-step' };

  test('chunks of others are left out', () => {
    const told = new UiAnswer({ ...about, resets: true });
    expect(told.next({ step: 'ab/model:0', begins: true, value: begin })).toEqual([]);
    expect(told.next({ step: '', begins: true, value: begin })).toEqual([]);
  });

  test.each([true, false])('what is not kept ends it, with resets %s', (resets) => {
    const cut = new UiAnswer({ ...about, resets });
    expect(next(cut, 'model:0', false, delta)).toEqual(['start', 'error']);
    expect(cut.isOver).toBe(true);
    expect(next(cut, 'model:0', true, begin)).toEqual([]);
    expect(cut.finish({ type: 'finish' })).toEqual([]);
    const early = new UiAnswer({ ...about, resets });
    expect(next(early, 'model:1', true, begin)).toEqual(['start', 'error']);
  });

  test.each([true, false])('a rewind behind a call ends it, with resets %s', (resets) => {
    const told = new UiAnswer({ ...about, resets });
    next(told, 'model:0', true, begin);
    next(told, 'tool:t', true, delta);
    next(told, 'model:1', true, begin);
    expect(next(told, 'model:0', true, begin)).toEqual(['error']);
  });

  test('what was told of a whole call cannot be taken back without a reset', () => {
    const told = new UiAnswer({ ...about, resets: false });
    expect(next(told, 'model:0', true, begin)).toEqual(['start']);
    expect(next(told, 'model:0', false, delta)).toEqual([]);
    expect(next(told, 'model:0', true, begin)).toEqual([]);
    expect(next(told, 'tool:t', true, delta)).toEqual(['start-step', 'text-delta']);
    expect(next(told, 'model:0', true, begin)).toEqual(['error']);
  });

  test('the pieces of a chunk that was cut are dropped', () => {
    const told = new UiAnswer({ ...about, resets: true });
    const bytes = new TextEncoder().encode(JSON.stringify({ type: 'tool-output-available' }));
    next(told, 'model:0', true, begin);
    expect(next(told, 'tool:t', true, { piece: bytes.slice(0, 5), more: true })).toEqual([]);
    expect(next(told, 'tool:t', true, { piece: bytes.slice(0, 5), more: true })).toEqual([]);
    expect(next(told, 'tool:t', false, { piece: bytes.slice(5), more: false })).toEqual([
      'tool-output-available',
    ]);
  });
});
