/** What the runs on the pages do: of each kind of thing that a page shows, something. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';

/** Reads pages, one of them only at the second try, then waits for an approval. */
export const invoice = defineWorkflow({
  name: 'invoice',
  version: 2,
  input: z.object({
    customer: z.string(),
    pages: z.number(),
    paceMs: z.number().default(150),
    mayFail: z.boolean().default(true),
  }),
  state: z.object({
    stage: z.enum(['reading', 'review', 'paid', 'denied']).default('reading'),
    pages: z.array(z.string()).default([]),
    cents: z.number().default(0),
    urgent: z.boolean().default(false),
    note: z.string().default(''),
  }),
  events: { 'page.read': z.object({ page: z.number(), text: z.string(), cents: z.number() }) },
  reduce: {
    'page.read': (state, { text, cents }) => ({
      ...state,
      pages: [...state.pages, text],
      cents: state.cents + cents,
    }),
  },
  signals: {
    approval: z.object({
      approved: z.boolean(),
      by: z.string(),
      limit: z.number().optional(),
      why: z.enum(['price', 'quality', 'other']).optional(),
    }),
  },
  async run(ctx, { pages, paceMs, mayFail }) {
    await ctx.step('fetch', () => sleep(paceMs, `${pages} pages`));
    for (let page = ctx.state.pages.length + 1; page <= pages; page++) {
      const text = await ctx.step(`ocr:${page}`, () => sleep(paceMs, `text of page ${page}`));
      await ctx.emit('page.read', { page, text, cents: page * 1_250 });
      ctx.progress(page / pages, `page ${page} of ${pages}`);
    }
    await ctx.step(
      'classify',
      async ({ attempt }) => {
        await sleep(paceMs);
        if (attempt === 1 && mayFail) throw new Error('the model answered 429: too many requests');
        return { kind: 'invoice', sure: 0.97 };
      },
      { retry: { attempts: 3, delay: '400ms' } },
    );
    await ctx.set({ stage: 'review' });
    await ctx.checkpoint({ label: 'before review', metadata: { pages } });
    const answer = await ctx.waitFor('approval', {
      timeout: '3d',
      label: `Pay ${ctx.state.cents / 100} € to the customer?`,
    });
    await ctx.set({ stage: answer?.approved === true ? 'paid' : 'denied' });
    await ctx.step('notify', () => sleep(paceMs));
    return { stage: ctx.state.stage, cents: ctx.state.cents };
  },
});

/** A graph with branches, a join, and a way back. */
export const research = defineGraph({
  name: 'research',
  input: z.object({ question: z.string(), paceMs: z.number().default(80) }),
  state: z.object({ round: z.number().default(0), notes: z.array(z.string()).default([]) }),
  merge: {
    notes: (current: readonly string[], update: readonly string[]) => [...current, ...update],
  },
  args: { read: z.object({ page: z.string() }) },
  signals: { publish: z.object({ title: z.string() }) },
  start: 'plan',
  nodes: {
    plan: async (ctx) => {
      await sleep(ctx.input.paceMs);
      return { set: { round: ctx.state.round + 1 } };
    },
    search: async (ctx) => {
      await sleep(2 * ctx.input.paceMs);
      return { set: { notes: [`found ${ctx.input.question} ${ctx.visit}`] } };
    },
    choose: (ctx) => ({
      goto: ['a', 'b', 'c'].map((name) => ({
        node: 'read' as const,
        args: { page: `${name}${ctx.visit}` },
      })),
    }),
    read: {
      run: async (ctx, { page }) => {
        await sleep(ctx.input.paceMs);
        return { set: { notes: [`read ${page}`] } };
      },
      retry: { attempts: 3 },
    },
    reflect: async (ctx) => {
      ctx.checkpoint({ label: `round ${ctx.visit}`, metadata: { notes: ctx.state.notes.length } });
      await sleep(ctx.input.paceMs);
    },
    publish: async (ctx) => {
      await ctx.waitFor('publish');
    },
  },
  edges: {
    plan: ['search', 'choose'],
    search: 'reflect',
    read: 'reflect',
    reflect: { to: ['plan', 'publish'], when: (state) => (state.round < 2 ? 'plan' : 'publish') },
    publish: 'end',
  },
});

/** A child of an order: packs, or cannot. */
const parcel = defineWorkflow({
  name: 'parcel',
  input: z.object({ item: z.string(), paceMs: z.number().default(120) }),
  async run(ctx, { item, paceMs }) {
    await ctx.step('pack', () => sleep(paceMs, `${item} is packed`));
    if (item === 'vase') {
      const cause = new RangeError('the box is 2 cm too short');
      throw new Error(`${item} cannot be packed`, { cause });
    }
    await ctx.step('label', () => sleep(paceMs));
    return `${item} is on its way`;
  },
});

/** Starts children, and goes on without those that fail. */
export const order = defineWorkflow({
  name: 'order',
  input: z.object({ items: z.array(z.string()) }),
  async run(ctx, { items }) {
    const sent = await ctx.startAll(
      parcel,
      items.map((item) => ({ item })),
      { onError: 'collect', id: (_, index) => `${ctx.run}-parcel-${index + 1}` },
    );
    await ctx.sleep('2h', { as: 'until it arrives' });
    return sent.completed;
  },
});

const words =
  'A ratchet lets a wheel turn one way only, and a pawl is the part that holds it.'.split(' ');

/** Gives out words, as a model does. */
export const chat = defineWorkflow({
  name: 'chat',
  input: z.object({ words: z.number(), paceMs: z.number().default(60) }),
  async run(ctx, input) {
    return ctx.step('answer', async (step) => {
      for (let i = 0; i < input.words; i++) {
        await step.output('text').write(`${words[i % words.length] ?? ''} `);
        await sleep(input.paceMs, undefined, { signal: step.signal });
      }
      return `${input.words} words`;
    });
  },
});

/** Pays, and may die while it does: nobody knows then whether the money has gone. */
export const payment = defineWorkflow({
  name: 'payment',
  input: z.object({ cents: z.number(), ms: z.number() }),
  state: z.object({ receipt: z.string().default('') }),
  async run(ctx, { ms }) {
    const receipt = await ctx.effect('charge', () => sleep(ms, 'receipt 17'), { onDoubt: 'ask' });
    await ctx.set({ receipt: String(receipt) });
    return receipt;
  },
});

/** So many events, as fast as they can be written; then it waits. */
export const long = defineWorkflow({
  name: 'long',
  input: z.object({ events: z.number(), waits: z.boolean().default(true) }),
  state: z.object({ count: z.number().default(0), last: z.string().default('') }),
  events: { tick: z.object({ n: z.number() }) },
  reduce: { tick: (state, { n }) => ({ ...state, count: state.count + 1, last: `tick ${n}` }) },
  signals: { go: z.unknown() },
  async run(ctx, { events, waits }) {
    const all: Promise<unknown>[] = [];
    for (let n = ctx.state.count + 1; n <= events; n++) {
      all.push(ctx.emit('tick', { n }));
      if (all.length === 500) await Promise.all(all.splice(0));
    }
    await Promise.all(all);
    if (waits) await ctx.waitFor('go');
  },
});

/** Uploads a file, and fails in as many ways as the world has. */
export const upload = defineWorkflow({
  name: 'upload',
  version: 3,
  input: z.object({
    file: z.string(),
    ms: z.number().default(20),
    fails: z.enum(['full', 'slow', 'denied']).optional(),
  }),
  signals: { release: z.object({ ok: z.boolean() }) },
  async run(ctx, { file, ms, fails }) {
    await ctx.step('read', () => sleep(ms));
    await ctx.step('send', async () => {
      await sleep(ms);
      if (fails === 'full')
        throw new RangeError(`no space left for ${file}: 4096 bytes are missing`);
      if (fails === 'slow') {
        const cause = new Error(`host 10.0.0.${ctx.run.length} did not answer within 3000 ms`);
        throw new Error('the upload gave up', { cause });
      }
      if (fails === 'denied') throw new Error('403: the bucket does not let us in');
    });
    return file;
  },
});

export const hostileText = `<script>alert(1)</script>"'&\u0000\u202Eevil`;

/** Stores hostile content wherever content is taken. */
export const hostile = defineWorkflow({
  name: 'hostile',
  input: z.object({ text: z.string() }),
  state: z.object({ note: z.string().default(''), '<b>field': z.string().default('<i>x</i>') }),
  signals: { go: z.object({ '<img src=x>': z.string().optional() }) },
  async run(ctx, { text }) {
    await ctx.step(`<img src=x onerror=alert(1)> "'`, () => text);
    await ctx.set({ note: text });
    await ctx.checkpoint({ label: '<b>label</b>' });
    await ctx.step('speak', (step) => step.output('text').write('<script>alert(2)</script>'));
    await ctx.waitFor('go', { as: '<b>go</b>', label: text });
    throw new Error(text, { cause: new TypeError('<u>cause</u>') });
  },
});

/** Those that a business may have. */
export const business = [invoice, research, parcel, order, chat, payment, upload] as const;
export const workflows = [...business, long, hostile] as const;
