// Goal: the pages can be a part of somebody else's server, and leave its other routes alone.
// Method: a Hono app, and a server of Node that takes the path of the mount off the address, as Express does.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { dashboard, dashboardListener } from 'pawl/dashboard';
import { memoryPawl } from '../../support/memory.ts';

const basePath = '/admin/pawl';
const paths = ['', '/', '/runs', '/runs/', '/workers', '/style.css', '/nothing'];

test('in an app of Hono', async () => {
  await using pawl = memoryPawl().pawl;
  const app = new Hono();
  const pages = dashboard(pawl, { basePath });
  app.get('/before', (c) => c.text('before'));
  app.all('/admin/pawl/*', (c) => pages.fetch(c.req.raw));
  app.get('/after', (c) => c.text('after'));
  const statusOf = async (path: string): Promise<number> =>
    (await app.request(`http://127.0.0.1${path}`, { headers: { host: '127.0.0.1' } })).status;
  expect(await Promise.all(paths.map((path) => statusOf(basePath + path)))).toEqual([
    302, 302, 200, 200, 200, 200, 404,
  ]);
  expect(await Promise.all(['/before', '/after', '/else'].map(statusOf))).toEqual([200, 200, 404]);
});

test('in a server of Node, whose router takes the path of the mount off the address', async () => {
  await using pawl = memoryPawl().pawl;
  const listen = dashboardListener(pawl, { basePath });
  const server = createServer((request: IncomingMessage & { originalUrl?: string }, response) => {
    const { url = '' } = request;
    if (!url.startsWith(basePath)) {
      response.end('mine');
      return;
    }
    request.originalUrl = url;
    request.url = url.slice(basePath.length) || '/';
    listen(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const get = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
  try {
    const answers = await Promise.all(paths.map((path) => get(basePath + path)));
    expect(answers.map(({ status }) => status)).toEqual([302, 302, 200, 200, 200, 200, 404]);
    expect(answers[0]?.headers.get('location')).toBe('/admin/pawl/overview');
    expect(await (await get('/else')).text()).toBe('mine');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
