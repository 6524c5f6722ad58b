/**
 * What the blocks of the documentation find when they are executed: the names that its readers have, too. It is compiled
 * beside the blocks, against the types of the built package.
 */
import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Model } from '@openai/agents';
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import { Hono } from 'hono';
import {
  type Context,
  defineWorkflow,
  type OpenOptions,
  Pawl,
  PawlError,
  type RunHandle,
  type Worker,
} from 'pawl';
import { z } from 'zod';

const invoice = defineWorkflow({
  name: 'invoice',
  input: z.object({ url: z.string() }),
  state: z.object({ pages: z.number().default(0) }),
  signals: { approved: z.object({ by: z.string() }) },
  run: async (ctx, { url }) => {
    await ctx.set({ pages: await ctx.step('count', () => url.length) });
    await ctx.sleep('1h');
    const approval = await ctx.waitFor('approved', { timeout: '1d' });
    return { by: approval?.by ?? 'nobody' };
  },
});

type AnyContext = Context<never>;
let begin: (ctx: AnyContext) => void = () => undefined;
let end: () => void = () => undefined;
const ended = new Promise<void>((resolve) => {
  end = resolve;
});

/** Lends its context to the blocks, and stays at work until all of them have been played. */
const workflow = defineWorkflow({
  name: 'scene',
  run: async (ctx) => {
    await ctx.step('before', () => 1);
    begin(ctx);
    await ended;
  },
});

export interface Scene {
  /** The class, which opens what is asked for as far as it is there, and gives the Redis of the test in its place. */
  readonly Pawl: typeof Pawl;
  readonly redis: string;
  readonly pawl: Pawl;
  readonly other: Pawl;
  readonly worker: Worker;
  readonly invoice: typeof invoice;
  readonly workflow: typeof workflow;
  readonly workflows: readonly (typeof workflow)[];
  readonly run: RunHandle;
  readonly ctx: AnyContext;
  readonly url: string;
  readonly name: string;
  readonly start: 'first';
  readonly nodes: { readonly first: () => undefined };
  readonly handler: () => number;
  readonly lines: AsyncIterable<string>;
  readonly file: { write(text: string): void };
  readonly addNewlines: (lines: AsyncIterable<string>) => AsyncIterable<string>;
  readonly onProgress: () => void;
  readonly alert: (text: string) => void;
  readonly find: (goal: string) => Promise<string>;
  readonly load: (url: string) => Promise<string>;
  /** An app of Hono, and a server of the kind that Express makes. */
  readonly app: Hono;
  readonly server: { use(path: string, handler: unknown): void };
  readonly password: string;
  readonly response: ServerResponse;
  /** A model of the AI SDK, which always says the same. */
  readonly model: MockLanguageModelV3;
  /** The same for OpenAI Agents. */
  readonly agentModel: Model;
}

/** All names of a scene, for the compiler to compare. */
export const sceneNames = Object.keys({
  Pawl: 1,
  redis: 1,
  pawl: 1,
  other: 1,
  worker: 1,
  invoice: 1,
  workflow: 1,
  workflows: 1,
  run: 1,
  ctx: 1,
  url: 1,
  name: 1,
  start: 1,
  nodes: 1,
  handler: 1,
  lines: 1,
  file: 1,
  addNewlines: 1,
  onProgress: 1,
  alert: 1,
  find: 1,
  load: 1,
  app: 1,
  server: 1,
  password: 1,
  response: 1,
  model: 1,
  agentModel: 1,
} satisfies Record<keyof Scene, 1>);

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const said = { finishReason: { unified: 'stop', raw: undefined }, usage } as const;
const text = 'It is on its way.';

const model = new MockLanguageModelV3({
  doGenerate: { ...said, content: [{ type: 'text', text }], warnings: [] },
  doStream: () =>
    Promise.resolve({
      stream: simulateReadableStream({
        chunks: [
          { type: 'text-start', id: '0' },
          ...text.split(' ').map((delta) => ({ type: 'text-delta', id: '0', delta }) as const),
          { type: 'text-end', id: '0' },
          { type: 'finish', ...said },
        ],
      }),
    }),
});

const tokens = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
const agentModel: Model = {
  getResponse: () => Promise.reject(new Error('It is asked for a stream.')),
  async *getStreamedResponse() {
    const content = [{ type: 'output_text' as const, text }];
    const message = { type: 'message', role: 'assistant', status: 'completed', content } as const;
    yield { type: 'output_text_delta', delta: text };
    yield { type: 'response_done', response: { id: 'r', usage: tokens, output: [message] } };
  },
};

export async function openScene(
  redis: string,
  prefix: string,
): Promise<{ readonly scene: Scene; readonly close: () => Promise<void> }> {
  const opened: Pawl[] = [];
  const open = async (options: OpenOptions = { redis }): Promise<Pawl> => {
    if (options.redis !== redis) await tryToOpen(options);
    const pawl = await Pawl.open({ ...options, redis, prefix });
    opened.push(pawl);
    return pawl;
  };
  const pawl = await open({ redis });
  const other = await Pawl.open({ redis, prefix: `${prefix}-other` });
  opened.push(other);
  const lent = new Promise<AnyContext>((resolve) => {
    begin = resolve;
  });
  const worker = pawl.worker({ workflows: [workflow] });
  const run = await pawl.start(workflow, undefined);
  await pawl.start(invoice, { url: 'https://example.org/1' }, { id: 'inv-7731' });
  const found = Object.assign(Object.create(Pawl) as typeof Pawl, { open });
  const scene: Scene = {
    Pawl: found,
    redis,
    pawl,
    other,
    worker,
    invoice,
    workflow,
    workflows: [workflow],
    run,
    ctx: await lent,
    url: 'https://example.org/2',
    name: 'ocr',
    start: 'first',
    nodes: { first: () => undefined },
    handler: () => 1,
    lines: pawl.export('inv-7731'),
    file: { write: () => undefined },
    addNewlines: async function* addNewlines(lines) {
      for await (const line of lines) yield `${line}\n`;
    },
    onProgress: () => undefined,
    alert: () => undefined,
    find: async (goal) => `about ${goal}`,
    load: async (url) => `page ${url}`,
    app: new Hono(),
    server: new EventServer(),
    password: 'a long one',
    response: new ServerResponse(new IncomingMessage(new Socket())),
    model,
    agentModel,
  };
  const close = async (): Promise<void> => {
    end();
    await run.result();
    await Promise.all(opened.map((one) => one.close()));
  };
  return { scene, close };
}

/** Where the pages' Redis is not, opening fails for that reason and no other. */
async function tryToOpen(options: Parameters<typeof Pawl.open>[0]): Promise<void> {
  try {
    await (await Pawl.open({ ...options, connectMs: 200 })).close();
  } catch (error) {
    if (!PawlError.is(error) || error.code !== 'PAWL_UNAVAILABLE') throw error;
  }
}

class EventServer extends EventEmitter {
  use(path: string, handler: unknown): void {
    if (typeof handler !== 'function') throw new TypeError(`${path} needs a function`);
  }
}
