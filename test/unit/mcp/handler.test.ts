// Goal: tools over HTTP are given by the login of each request, as the pages are. A refused request does nothing.
// Method: the official client over a real server on loopback, which two pawls answer in turn; requests by hand for refusals.
import { createAdaptorServer } from '@hono/node-server';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { mcpHandler, type McpHandlerOptions } from 'pawl/mcp';
import { MemoryResumeQueue } from '../../../src/memory/resume-queue.ts';
import { MemoryRunStore } from '../../../src/memory/run-store.ts';

const still = defineWorkflow({ name: 'still', run: () => 1 });
const users = [
  { name: 'ann', password: 'reads', role: 'read' },
  { name: 'bob', password: 'works', role: 'operate' },
] as const;
const pause = { name: 'pause', arguments: { run: 'w-1' } };
const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function serve(options: McpHandlerOptions) {
  const store = new MemoryRunStore();
  const queue = new MemoryResumeQueue();
  const pawls = [1, 2].map(() => Pawl.assemble({ store, queue }));
  opened.push(() => Promise.all(pawls.map((pawl) => pawl.close())));
  const handlers = pawls.map((pawl) => mcpHandler(pawl, options));
  let asked = 0;
  // As behind a balancer that remembers nothing.
  const fetch = (request: Request): Promise<Response> =>
    handlers[asked++ % 2]?.(request) ?? Promise.reject(new Error('nobody'));
  const server = createAdaptorServer({ fetch }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(() => server.close());
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const run = await pawls[0]!.start(still, undefined, { id: 'w-1' });
  return { url, run, handler: handlers[0]! };
}

async function clientOf(url: URL, user?: { readonly name: string; readonly password: string }) {
  const client = new Client({ name: 'test', version: '1' });
  const basic = user && `Basic ${btoa(`${user.name}:${user.password}`)}`;
  const headers = basic === undefined ? {} : { Authorization: basic };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  opened.push(() => client.close());
  return client;
}

const count = async (client: Client): Promise<number> => (await client.listTools()).tools.length;

test('each request has the tools of who sends it, and the log says who', async () => {
  const { url, run } = await serve({ users });
  const [ann, bob] = await Promise.all(users.map((user) => clientOf(url, user)));
  expect([await count(ann!), await count(bob!)]).toEqual([4, 10]);
  expect((await ann!.callTool(pause)).isError).toBe(true);
  expect((await bob!.callTool(pause)).isError).toBe(undefined);
  const { value } = await run.events({ after: 1 })[Symbol.asyncIterator]().next();
  expect(value).toMatchObject({ type: 'operator.paused', data: { actor: 'bob' } });
  await expect(clientOf(url, { name: 'bob', password: 'reads' })).rejects.toThrow('Log in');
});

test.each([
  [{}, 4],
  [{ readOnly: false }, 11],
  [{ readOnly: true, login: () => ({ actor: 'x', role: 'admin' as const }) }, 4],
  [{ login: () => ({ actor: 'x', role: 'admin' as const }) }, 11],
])('with %o there are %i tools', async (options, tools) => {
  const { url } = await serve(options);
  expect(await count(await clientOf(url))).toBe(tools);
});

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: pause };
const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const broken = (): never => {
  throw new Error('no database');
};

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

test.each<[number, string, McpHandlerOptions, Sent]>([
  [200, 'what a program sends', { readOnly: false }, {}],
  [200, 'a page of its own', { readOnly: false }, { headers: { origin: 'http://127.0.0.1' } }],
  [403, 'a page of another site', { readOnly: false }, { headers: { origin: 'http://evil.test' } }],
  [403, 'a page without an origin', { readOnly: false }, { headers: { origin: 'null' } }],
  [421, 'a name that was rebound', { readOnly: false }, { headers: { host: 'evil.test' } }],
  [401, 'nobody', { users }, {}],
  [401, 'whom the login does not know', { login: () => undefined }, {}],
  [503, 'a login that fails', { login: broken }, {}],
  [405, 'a client that opens a stream', { readOnly: false }, { method: 'GET' }],
  [413, 'more than it reads', { readOnly: false }, { body: `{"x":"${'x'.repeat(1_000_000)}"}` }],
  [400, 'what is no JSON', { readOnly: false }, { body: '{' }],
])('%i answers %s', async (status, _, options, given) => {
  const { run, handler } = await serve(options);
  const { method = 'POST', body = JSON.stringify(call), headers } = given;
  const sent = { method, headers: { ...json, ...headers }, ...(method === 'POST' && { body }) };
  const answer = await handler(new Request('http://127.0.0.1/mcp', sent));
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ jsonrpc: '2.0' });
  expect((await run.info()).paused).toBe(status === 200);
});

test('an option that is not one of its own is refused', async () => {
  const pawl = Pawl.assemble({ store: new MemoryRunStore(), queue: new MemoryResumeQueue() });
  expect(() => mcpHandler(pawl, { basePath: '/x' } as never)).toThrow('basePath');
  await pawl.close();
});
