// Goal: what npm would publish works in an empty project, and brings only what its users need. Method: pack, unpack beside
// copies of the packages that npm would install, and use it there as a newcomer does.
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addPackage, installedPackages, newPackedProject } from '../support/packed-project.ts';
import { newPrefix } from '../support/workers.ts';

const packagesMax = 25;
const megabytesMax = 26;

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
let project = '';

beforeAll(async () => {
  project = await newPackedProject();
});

afterAll(() => rm(project, { recursive: true, force: true }));

async function runScript(script: string): Promise<string> {
  const args = ['--input-type=module', '-e', script];
  return (await run(process.execPath, args, { cwd: project })).stdout.trim();
}

async function runCommand(...args: string[]): Promise<string> {
  const main = join(project, 'node_modules/pawl/dist/cli/main.js');
  const env = { ...process.env, PAWL_REDIS: inject('redisUrl'), NO_COLOR: '1' };
  return (await run(process.execPath, [main, ...args], { cwd: project, env })).stdout;
}

test(`it brings at most ${packagesMax} packages and ${megabytesMax} MB beside zod`, async () => {
  const packages = (await installedPackages(project)).filter(({ name }) => name !== 'zod');
  const names = packages.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['pawl', 'ioredis', 'bullmq', 'msgpackr']));
  expect(names.length, names.join(' ')).toBeLessThanOrEqual(packagesMax);
  const bytes = packages.reduce((sum, one) => sum + one.bytes, 0);
  expect(bytes / 2 ** 20).toBeGreaterThan(megabytesMax / 5);
  expect(bytes / 2 ** 20).toBeLessThanOrEqual(megabytesMax);
});

test('the README’s program runs in an empty project with the packed package', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const program = /```js\n(\/\/ example\.mjs[\s\S]*?)```/.exec(readme)?.[1] ?? '';
  await writeFile(join(project, 'example.mjs'), program);
  const { stdout } = await run(process.execPath, ['example.mjs'], {
    cwd: project,
    env: { ...process.env, REDIS_URL: inject('redisUrl') },
  });
  expect(stdout).toContain('1 run.created');
  expect(stdout).toMatch(/\{ words: 510 \}\s*$/);
});

test('only the entries that are meant to be public can be reached', async () => {
  const script = `
    const entries = ['pawl', 'pawl/ai', 'pawl/dashboard', 'pawl/doctor', 'pawl/file', 'pawl/import', 'pawl/openai-agents', 'pawl/store', 'pawl/testing'];
    const others = ['pawl/package.json', 'pawl/dist/index.js', 'pawl/core/fold.js'];
    for (const name of [...entries, ...others]) {
      const options = name.endsWith('.json') ? { with: { type: 'json' } } : {};
      await import(name, options).then(() => console.log('+', name), () => console.log('-', name));
    }`;
  expect((await runScript(script)).split('\n')).toEqual([
    '+ pawl',
    '+ pawl/ai',
    '+ pawl/dashboard',
    '+ pawl/doctor',
    '+ pawl/file',
    '+ pawl/import',
    '+ pawl/openai-agents',
    '+ pawl/store',
    '+ pawl/testing',
    '+ pawl/package.json',
    '- pawl/dist/index.js',
    '- pawl/core/fold.js',
  ]);
});

test('there are no source maps, and nothing says that there are', async () => {
  const folder = join(project, 'node_modules/pawl/dist');
  const files = await readdir(folder, { recursive: true });
  expect(files.filter((name) => name.endsWith('.map'))).toEqual([]);
  const programs = files.filter((name) => /\.(js|cjs)$/.test(name));
  expect(programs.length).toBeGreaterThan(100);
  const texts = await Promise.all(programs.map((name) => readFile(join(folder, name), 'utf8')));
  expect(texts.filter((text) => text.includes('sourceMappingURL='))).toEqual([]);
});

test('CommonJS requires every entry, and gets the classes that modules import', async () => {
  const script = `
    const { createRequire } = require('node:module');
    const manifest = require('pawl/package.json');
    // These need a package of the user.
    const others = ['./package.json', './assistant-ui', './tanstack-ai', './mcp', './langgraph', './metrics', './otel'];
    const entries = Object.keys(manifest.exports).filter((one) => !others.includes(one));
    (async () => {
      for (const one of entries) {
        const name = one.replace('.', 'pawl');
        const [module, required] = [await import(name), require(name)];
        const isSame = Object.keys(module).every((key) => module[key] === required[key]);
        console.log(isSame && Object.keys(module).length > 0 ? '+' : '-', name);
      }
    })();`;
  const said = await run(process.execPath, ['-e', script], { cwd: project });
  const lines = said.stdout.trim().split('\n');
  expect(lines).toHaveLength(9);
  expect(lines.filter((line) => !line.startsWith('+ '))).toEqual([]);
});

test.each([
  ['CommonJS', 'cts', 'node16'],
  ['a module', 'mts', 'nodenext'],
])('TypeScript reads the types from %s, in every entry', async (_, extension, mode) => {
  const text = `
    import { defineWorkflow, Pawl, PawlError, type RunHandle, type Workflow } from 'pawl';
    import { dashboard } from 'pawl/dashboard';
    import { doctor } from 'pawl/doctor';
    import { FileCheckpointer } from 'pawl/file';
    import { readForeign } from 'pawl/import';
    import type { RunStore } from 'pawl/store';
    import { crashTest, ManualClock, openInMemory } from 'pawl/testing';
    import { z } from 'zod';
    const add = defineWorkflow({
      name: 'add',
      input: z.object({ n: z.number() }),
      state: z.object({ sum: z.number().default(0) }),
      events: { added: z.object({ n: z.number() }) },
      reduce: { added: (s, e) => ({ sum: s.sum + e.n }) },
      run: async (ctx, { n }) => {
        await ctx.emit('added', { n });
        return { sum: ctx.state.sum };
      },
    });
    export async function main(pawl: Pawl, clock: ManualClock): Promise<number> {
      const run = await pawl.start(add, { n: 1 });
      const handle: RunHandle<{ sum: number }, any, any, any, any> = run;
      // @ts-expect-error A text is no number.
      await pawl.start(add, { n: 'one' });
      if (PawlError.is(1)) throw new PawlError('PAWL_CLOSED', 'text');
      const { sum } = await handle.result();
      return sum;
    }
    export const others = [dashboard, doctor, FileCheckpointer, readForeign, crashTest, openInMemory];
    export type Known = [Workflow, RunStore];`;
  const file = `types.${extension}`;
  await writeFile(join(project, file), text);
  const tsc = join(root, 'node_modules/.bin/tsc');
  const flags = ['--noEmit', '--strict', '--target', 'es2023', '--module', mode, '--skipLibCheck'];
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
  const checked = await run(tsc, [...flags, ...types, file], { cwd: project }).catch(
    (error: { stdout: string }) => error,
  );
  expect(checked.stdout).toBe('');
});

test('the command line works at once, with the licences of what it brings', async () => {
  const prefix = newPrefix();
  expect(await runCommand('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await runCommand('--help')).toContain('Usage: pawl');
  await runScript(`
    import { defineWorkflow, Pawl } from 'pawl';
    const pawl = await Pawl.open({ redis: '${inject('redisUrl')}', prefix: '${prefix}' });
    await pawl.start(defineWorkflow({ name: 'w', run: () => 1 }), undefined, { id: 'listed' });
    await pawl.close();`);
  const list = await runCommand('runs', 'list', '--prefix', prefix);
  expect(list).toMatch(/WORKFLOW[^]*listed/);
  const licences = join(project, 'node_modules/pawl/dist/bundled/LICENSES.txt');
  const text = await readFile(licences, 'utf8');
  for (const name of ['commander', '@clack/prompts', 'cli-table3', 'picocolors', 'hono']) {
    expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
  }
});

test('the pages work at once, and know the errors of the same pawl', async () => {
  const script = `
    import { openInMemory } from 'pawl/testing';
    import { serveDashboard } from 'pawl/dashboard';
    const pawl = openInMemory();
    const pages = await serveDashboard(pawl, { port: 0 });
    for (const path of ['runs', 'runs/nobody']) console.log((await fetch(pages.url + path)).status);
    await serveDashboard(pawl, { prot: 1 }).catch((error) => console.log(error.code));
    await pages.close();
    await pawl.close();`;
  expect((await runScript(script)).split('\n')).toEqual(['200', '404', 'PAWL_INVALID']);
});

/** Makes a script of a file in the project; what the compiler says of it. */
async function compiled(file: string, text: string): Promise<string> {
  await writeFile(join(project, file), text);
  const tsc = join(root, 'node_modules/.bin/tsc');
  const flags = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck'];
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
  const checked = await run(tsc, [...flags, ...types, file], { cwd: project }).catch(
    (error: { stdout: string }) => error,
  );
  return checked.stdout;
}

test.each([
  [6, 'ai'],
  [7, 'ai-7'],
])('agents of the AI SDK %i work, with their types', async (version, name) => {
  await addPackage(project, { name, as: 'ai' });
  const text = `
    import { generateText, stepCountIs, tool, wrapLanguageModel, type LanguageModel } from 'ai';
    import { defineWorkflow } from 'pawl';
    import { approvalSchema, durableAgent, stepOf, uiMessageStream } from 'pawl/ai';
    import { openInMemory } from 'pawl/testing';
    import { z } from 'zod';
    type Model = Parameters<typeof wrapLanguageModel>[0]['model'];
    export async function main(model: Model): Promise<string> {
      const tools = {
        add: tool({
          inputSchema: z.object({ n: z.number() }),
          execute: ({ n }, options) => Promise.resolve(n + (stepOf(options)?.attempt ?? 0)),
        }),
      };
      const chat = defineWorkflow({
        name: 'chat',
        signals: { approval: approvalSchema },
        outputs: { ui: z.any() },
        run: async (ctx) => {
          const agent = durableAgent(ctx, { stream: true });
          // @ts-expect-error There is no such tool.
          const none = () => agent.tools(tools, { sub: {} });
          const given: LanguageModel[] = [
            agent.model(model),
            wrapLanguageModel({ model, middleware: agent.middleware }),
          ];
          const { text } = await generateText({
            model: given[0]!,
            tools: agent.tools(tools, { add: { approve: { timeout: '1s' }, onDoubt: 'ask' } }),
            stopWhen: stepCountIs(3),
            prompt: typeof none,
          });
          return text;
        },
      });
      const pawl = openInMemory();
      pawl.worker({ workflows: [chat] });
      const run = await pawl.start(chat, undefined);
      let told = '';
      for await (const chunk of uiMessageStream(run)) told += String(chunk['delta'] ?? '');
      const result = await run.result();
      await pawl.close();
      return result + ' ' + told;
    }`;
  expect(await compiled('agent.mts', text)).toBe('');
  const said = await runScript(`
    import { MockLanguageModelV${version - 3} as Mock, simulateReadableStream } from 'ai/test';
    import { main } from './agent.mjs';
    const chunks = [
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'Hello' },
      { type: 'text-end', id: '0' },
      { type: 'finish', finishReason: { unified: 'stop' }, usage: { inputTokens: {}, outputTokens: {} } },
    ];
    const doStream = async () => ({ stream: simulateReadableStream({ chunks }) });
    console.log(await main(new Mock({ doStream })));`);
  expect(said).toBe('Hello Hello');
});

test('agents of OpenAI’s SDK work, with their types', async () => {
  await addPackage(project, { name: '@openai/agents', as: '@openai/agents' });
  const text = `
    import { Agent, type Model, Runner, type Session, tool } from '@openai/agents';
    import { defineWorkflow } from 'pawl';
    import { approvalSchema, durableAgent, PawlSession, stepOf } from 'pawl/openai-agents';
    import { openInMemory } from 'pawl/testing';
    import { z } from 'zod';
    export async function main(model: Model): Promise<string> {
      const pawl = openInMemory();
      const add = tool({
        name: 'add',
        description: 'Adds.',
        parameters: z.object({ n: z.number() }),
        execute: ({ n }, _, details) => n + (stepOf(details)?.attempt ?? 0),
      });
      const chat = defineWorkflow({
        name: 'chat',
        signals: { approval: approvalSchema },
        run: async (ctx) => {
          const durable = durableAgent(ctx);
          const session: Session = durable.session(new PawlSession(pawl, { sessionId: 's' }));
          // @ts-expect-error A text is no tool.
          const none = () => durable.tools(['add']);
          const agent = new Agent({
            name: typeof none,
            model: durable.model(model),
            tools: durable.tools([add], { add: { onDoubt: 'ask' } }),
          });
          const runner = new Runner({ tracingDisabled: true });
          return (await runner.run(agent, 'Hello?', { session })).finalOutput ?? '';
        },
      });
      pawl.worker({ workflows: [chat] });
      const result = await (await pawl.start(chat, undefined)).result();
      const items = await new PawlSession(pawl, { sessionId: 's' }).getItems();
      await pawl.close();
      return result + ' ' + items.length;
    }`;
  expect(await compiled('openai.mts', text)).toBe('');
  const said = await runScript(`
    import { Usage } from '@openai/agents';
    import { main } from './openai.mjs';
    const content = [{ type: 'output_text', text: 'Hello' }];
    const output = [{ type: 'message', role: 'assistant', status: 'completed', content }];
    console.log(await main({ getResponse: async () => ({ usage: new Usage(), output }) }));`);
  expect(said).toBe('Hello 2');
});

test('the streams of TanStack AI work, with their types', async () => {
  await addPackage(project, { name: '@tanstack/ai', as: '@tanstack/ai' });
  const text = `
    import type { StreamDurability } from '@tanstack/ai';
    import { openInMemory } from 'pawl/testing';
    import { pawlStream, type PawlStreamOptions } from 'pawl/tanstack-ai';
    const options: PawlStreamOptions = { ttl: '1h' };
    const pawl = openInMemory();
    const stream: StreamDurability = pawlStream(pawl, { runId: 'r' }, options);
    console.log(await stream.snapshot());
    await pawl.close();`;
  expect(await compiled('durable.mts', text)).toBe('');
  expect((await run(process.execPath, ['durable.mjs'], { cwd: project })).stdout).toBe('[]\n');
});

test('the streams of assistant-ui work, with their types', async () => {
  await addPackage(project, { name: 'assistant-stream', as: 'assistant-stream' });
  const text = `
    import { createResumableStreamContext, type ResumableStreamStore } from 'assistant-stream/resumable';
    import { openInMemory } from 'pawl/testing';
    import { resumableStore, type ResumableStoreOptions } from 'pawl/assistant-ui';
    const options: ResumableStoreOptions = { ttl: '1h' };
    const pawl = openInMemory();
    const store: ResumableStreamStore = resumableStore(pawl, options);
    const context = createResumableStreamContext({ store });
    const produce = () => new Blob(['Hello']).stream();
    console.log(await new Response(await context.run('s', produce)).text());
    await pawl.close();`;
  expect(await compiled('stream.mts', text)).toBe('');
  expect((await run(process.execPath, ['stream.mjs'], { cwd: project })).stdout).toBe('Hello\n');
});

test('tools of the Model Context Protocol work, with their types', async () => {
  await addPackage(project, { name: '@modelcontextprotocol/sdk', as: '@modelcontextprotocol/sdk' });
  const text = `
    import { Client } from '@modelcontextprotocol/sdk/client/index.js';
    import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
    import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
    import { mcpHandler, type McpHandlerOptions } from 'pawl/mcp';
    import { openInMemory } from 'pawl/testing';
    const options: McpHandlerOptions = { users: [{ name: 'ann', password: 'secret', role: 'admin' }] };
    const pawl = openInMemory();
    const answer: (request: Request) => Promise<Response> = mcpHandler(pawl, options);
    const http = new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
      fetch: (url, init) => answer(new Request(url, init)),
      requestInit: { headers: { Authorization: 'Basic ' + btoa('ann:secret') } },
    });
    const args = ['node_modules/pawl/dist/cli/main.js', 'mcp'];
    const env = { PAWL_REDIS_URL: '${inject('redisUrl')}' };
    const stdio = new StdioClientTransport({ command: process.execPath, args, env });
    for (const transport of [http, stdio]) {
      const client = new Client({ name: 'test', version: '1' });
      await client.connect(transport);
      console.log((await client.listTools()).tools.length);
      await client.close();
    }
    await pawl.close();`;
  expect(await compiled('tools.mts', text)).toBe('');
  expect(await runScript(`await import('./tools.mjs');`)).toBe('11\n4');
});

test('the saver of LangGraph works, with its types', async () => {
  await addPackage(project, { name: '@langchain/langgraph', as: '@langchain/langgraph' });
  const text = `
    import { Annotation, Command, END, interrupt, START, StateGraph } from '@langchain/langgraph';
    import { PawlSaver, type PawlSaverOptions, type PruneOptions } from 'pawl/langgraph';
    const State = Annotation.Root({ said: Annotation<string> });
    export async function main(options: PawlSaverOptions): Promise<string> {
      const saver: PawlSaver = await PawlSaver.open(options);
      const graph = new StateGraph(State)
        .addNode('ask', () => ({ said: interrupt<string, string>('Well?') }))
        .addEdge(START, 'ask')
        .addEdge('ask', END)
        .compile({ checkpointer: saver });
      const thread = { configurable: { thread_id: 't' } };
      await graph.invoke({ said: '' }, thread);
      const { said } = await graph.invoke(new Command({ resume: 'yes' }), thread);
      const prune: PruneOptions = { keepLast: 1 };
      const pruned = await saver.prune('t', prune);
      // @ts-expect-error It has no such option.
      const none = () => PawlSaver.open({ tll: '1d' });
      await saver.close();
      return said + ' ' + String(pruned > 0) + typeof none;
    }`;
  expect(await compiled('graph.mts', text)).toBe('');
  const options = JSON.stringify({ redis: inject('redisUrl'), prefix: newPrefix() });
  const said = await runScript(`
    import { main } from './graph.mjs';
    import { createRequire } from 'node:module';
    import { PawlSaver } from 'pawl/langgraph';
    const required = createRequire(import.meta.url)('pawl/langgraph');
    console.log(await main(${options}), required.PawlSaver === PawlSaver);`);
  expect(said).toBe('yes truefunction true');
});

test('an optional package that is missing is asked for', async () => {
  await writeFile(join(project, 'runs.db'), `SQLite format 3\u0000${' '.repeat(100)}`);
  const script = `
    import { PackageMissingError } from 'pawl';
    import { readForeign } from 'pawl/import';
    const error = await readForeign('runs.db').catch((thrown) => thrown);
    console.log(error instanceof PackageMissingError, error.code, error.package, error.message);`;
  const said = await runScript(script);
  expect(said).toMatch(/^true PAWL_PACKAGE_MISSING sql\.js /);
  expect(said).toContain('npm install sql.js');
});
