// Goal: the pages can be a part of somebody else's server, with a login, below a path, and leave its other routes alone.
// Method: the frameworks themselves, each by the function that is for it, over the memory store. Next is not built: its
// route is called with a request, as Next calls it.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Pawl } from 'pawl';
import { defineWorkflow } from 'pawl';
import {
  dashboardListener,
  type DashboardOptions,
  mountOnExpress,
  mountOnFastify,
  mountOnHono,
  mountOnNest,
  nextRoute,
} from 'pawl/dashboard';
import { memoryPawl } from '../../support/memory.ts';

const basePath = '/admin/pawl';
const options: DashboardOptions = {
  basePath,
  users: [
    { name: 'ada', password: 'a', role: 'admin' },
    { name: 'rob', password: 'r', role: 'read' },
  ],
};
const idle = defineWorkflow({ name: 'idle', run: () => 1 });

/** Where the server is; undefined for one that is only called. */
type Ask = (path: string, init?: RequestInit) => Promise<Response>;

function over(handle: (request: Request) => Response | Promise<Response>): Ask {
  return async (path, init) => {
    const request = new Request(`http://127.0.0.1${path}`, init);
    request.headers.set('host', '127.0.0.1');
    return handle(request);
  };
}

function at(port: number): Ask {
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, { ...init, redirect: 'manual' });
}

async function listening(listener: RequestListener): Promise<Ask> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return at((server.address() as AddressInfo).port);
}

const hosts: Readonly<Record<string, (pawl: Pawl) => Promise<Ask>>> = {
  hono: async (pawl) => {
    const app = new Hono();
    app.get('/before', (c) => c.text('before'));
    mountOnHono(app, pawl, options);
    app.post('/after', async (c) => c.json(await c.req.json()));
    return over(app.fetch);
  },
  express: async (pawl) => {
    const app = express();
    app.get('/before', (_request, response) => void response.send('before'));
    mountOnExpress(app, pawl, options);
    app.use(express.json());
    app.post('/after', (request, response) => void response.json(request.body));
    return listening(app);
  },
  'express, after its parsers': async (pawl) => {
    const app = express();
    app.use(express.json());
    app.use(express.urlencoded({ extended: true }));
    app.get('/before', (_request, response) => void response.send('before'));
    mountOnExpress(app, pawl, options);
    app.post('/after', (request, response) => void response.json(request.body));
    return listening(app);
  },
  'express, in a router of its own': async (pawl) => {
    const app = express();
    const admin = express.Router();
    app.get('/before', (_request, response) => void response.send('before'));
    mountOnExpress(admin, pawl, options);
    app.use('/admin', admin);
    app.use(express.json());
    app.post('/after', (request, response) => void response.json(request.body));
    return listening(app);
  },
  fastify: async (pawl) => {
    const app = fastify();
    app.get('/before', (_request, reply) => reply.send('before'));
    mountOnFastify(app, pawl, options);
    app.post('/after', (request, reply) => reply.send(request.body));
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.server.closeAllConnections());
    onTestFinished(() => app.close());
    return at((app.server.address() as AddressInfo).port);
  },
  nest: async (pawl) => {
    class Echo {
      after(body: unknown): unknown {
        return body;
      }
    }
    const method = Object.getOwnPropertyDescriptor(Echo.prototype, 'after') ?? {};
    Body()(Echo.prototype, 'after', 0);
    Post('after')(Echo.prototype, 'after', method);
    Controller()(Echo);
    class Root {
      readonly of = 'a test';
    }
    Module({ controllers: [Echo] })(Root);
    const app = await NestFactory.create(Root, { logger: false, abortOnError: false });
    app.setGlobalPrefix('api', { exclude: ['after'] });
    mountOnNest(app, pawl, options);
    app
      .getHttpAdapter()
      .get('/before', (_request: unknown, response: express.Response) => response.send('before'));
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    return at(((app.getHttpServer() as { address(): unknown }).address() as AddressInfo).port);
  },
  next: async (pawl) => {
    const route = nextRoute(pawl, options);
    return over((request) => {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith(basePath)) {
        return request.method === 'POST' ? route.POST(request) : route.GET(request);
      }
      if (pathname === '/before') return new Response('before');
      return pathname === '/after' ? new Response(request.body) : new Response('', { status: 404 });
    });
  },
  'plain node': async (pawl) => {
    const listen = dashboardListener(pawl, options);
    return listening((request, response) => {
      listen(request, response, () => {
        if (request.url === '/before') response.end('before');
        else if (request.url === '/after') request.pipe(response);
        else response.writeHead(404).end();
      });
    });
  },
};

function as(user: string, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { headers: { authorization: `Basic ${btoa(user)}`, ...headers } };
}

describe.each(Object.entries(hosts))('in %s', (_, open) => {
  test('pages, login, roles, forms and streams; the host has its other routes', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(idle, undefined, { id: 'r' });
    const ask = await open(pawl);
    const statuses = async (paths: readonly string[], init?: RequestInit): Promise<number[]> =>
      Promise.all(paths.map(async (path) => (await ask(path, init)).status));

    const paths = ['', '/', '/runs', '/runs/', '/runs/r', '/workers', '/style.css', '/nothing'];
    const below = paths.map((path) => basePath + path);
    expect(await statuses(below)).toEqual(paths.map(() => 401));
    expect(await statuses(below, as('ada:wrong'))).toEqual(paths.map(() => 401));
    expect(await statuses(below, as('rob:r'))).toEqual([302, 302, 200, 200, 200, 200, 200, 404]);
    const first = await ask(basePath, as('rob:r'));
    expect(first.headers.get('location')).toBe('/admin/pawl/overview');
    expect(first.headers.get('content-security-policy')).toContain("default-src 'none'");

    const page = await (await ask(`${basePath}/runs/r`, as('ada:a'))).text();
    expect(page).toContain('action="/admin/pawl/runs/r/pause"');
    const links = [...page.matchAll(/(?:href|src|action)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !/^(\/admin\/pawl\/|#)/.test(link))).toEqual([]);
    const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const post = async (user: string): Promise<Response> =>
      ask(`${basePath}/runs/r/pause`, {
        method: 'POST',
        ...as(user, {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
        }),
        body: new URLSearchParams({ token, reason: 'a & b' }).toString(),
      });
    expect((await post('rob:r')).status).toBe(403);
    expect((await run.info()).paused).toBe(false);
    const done = await post('ada:a');
    expect([done.status, done.headers.get('location')]).toEqual([
      303,
      '/admin/pawl/runs/r?done=pause',
    ]);
    expect((await run.info()).paused).toBe(true);

    const stop = new AbortController();
    const live = await ask(`${basePath}/runs/r/live`, { ...as('rob:r'), signal: stop.signal });
    expect(live.headers.get('content-type')).toContain('text/event-stream');
    const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    let came = '';
    while (!came.includes('operator.paused')) came += (await reader?.read())?.value ?? '';
    expect(came).toContain('ada');
    await reader?.cancel().catch(() => undefined);
    stop.abort();

    expect(await (await ask('/before')).text()).toBe('before');
    const sent = { a: [1, 'ü'] };
    const after = await ask('/after', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sent),
    });
    expect(await after.json()).toEqual(sent);
    expect(await statuses(['/admin/pawlx', '/else'])).toEqual([404, 404]);
  });
});

/** Each where nothing stands before the paths of the pages. */
const roots: Readonly<Record<string, (pawl: Pawl, given: DashboardOptions) => Promise<Ask>>> = {
  hono: async (pawl, given) => {
    const app = new Hono();
    app.get('/before', (c) => c.text('before'));
    mountOnHono(app, pawl, given);
    return over(app.fetch);
  },
  express: async (pawl, given) => {
    const app = express();
    app.get('/before', (_request, response) => void response.send('before'));
    mountOnExpress(app, pawl, given);
    return listening(app);
  },
  fastify: async (pawl, given) => {
    const app = fastify();
    app.get('/before', (_request, reply) => reply.send('before'));
    mountOnFastify(app, pawl, given);
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.server.closeAllConnections());
    onTestFinished(() => app.close());
    return at((app.server.address() as AddressInfo).port);
  },
  next: async (pawl, given) => {
    const route = nextRoute(pawl, given);
    return over((request) => {
      if (request.url.endsWith('/before')) return new Response('before');
      return request.method === 'POST' ? route.POST(request) : route.GET(request);
    });
  },
  'plain node': async (pawl, given) => {
    const listen = dashboardListener(pawl, given);
    return listening((request, response) => {
      if (request.url === '/before') response.end('before');
      else listen(request, response);
    });
  },
};

describe.each(Object.entries(roots))('at the root of %s', (_, open) => {
  test('pages and forms; read-only offers none and takes none', async () => {
    await using pawl = memoryPawl().pawl;
    const run = await pawl.start(idle, undefined, { id: 'r' });
    const ask = await open(pawl, { readOnly: false });
    const first = await ask('/');
    expect([first.status, first.headers.get('location')]).toEqual([302, '/overview']);
    const page = await (await ask('/runs/r')).text();
    expect(page).toContain('action="/runs/r/pause"');
    const token = /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const post = (to: Ask): Promise<Response> =>
      to('/runs/r/pause', {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
        },
        body: new URLSearchParams({ token }).toString(),
      });
    const closed = await open(pawl, {});
    expect(await (await closed('/runs/r')).text()).not.toContain('method="post"');
    expect((await post(closed)).status).toBe(403);
    expect((await run.info()).paused).toBe(false);
    expect((await post(ask)).status).toBe(303);
    expect((await run.info()).paused).toBe(true);
    expect(await (await ask('/before')).text()).toBe('before');
    expect((await ask('/nothing')).status).toBe(404);
  });
});
