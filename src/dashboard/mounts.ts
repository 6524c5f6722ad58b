/**
 * The pages in somebody else's server, by one function for each framework. None of them is imported: what is used of an
 * app is said here. Only requests below the base path are answered; all others are the host's, also those that it adds
 * later.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { detach } from '../core/detached.ts';
import type { Pawl } from '../pawl.ts';
import { dashboard } from './app.ts';
import type { DashboardOptions } from './settings.ts';

/** Answers a request of Node. `next` is called for a request that is not below the base path. */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => void,
) => void;

/** What is used of an app of Hono. */
export interface HonoApp {
  /** Adds a handler for all methods of a path. */
  all(
    path: string,
    handler: (c: { readonly req: { readonly raw: Request } }) => Response | Promise<Response>,
  ): unknown;
}

/** What is used of an app of Express, of Nest, or of another that takes middleware of Node. */
export interface MiddlewareApp {
  /** Adds a handler for all requests. */
  use(handler: (request: never, response: never, next: () => void) => void): unknown;
}

/** What is used of Fastify. */
export interface FastifyApp {
  /** Adds a plugin, in a scope of its own. */
  register(plugin: (scope: unknown, options: unknown, done: () => void) => void): unknown;
}

/** What is used of Fastify inside of a plugin. */
interface FastifyScope {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, body: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handler: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => void,
  ): unknown;
}

type Handler = (request: Request) => Promise<Response>;

/**
 * The pages for a server whose handlers take a request and a response of Node:
 * `createServer((request, response) => listen(request, response, () => others(request, response)))`.
 * Without `next`, a request that is not below the base path is a 404.
 * @throws InvalidError for a bad option.
 */
export function dashboardListener(pawl: Pawl, options: DashboardOptions = {}): NodeListener {
  const listen = getRequestListener(dashboard(pawl, options).fetch);
  const base = (options.basePath ?? '').replace(/\/$/, '');
  return (request, response, next) => {
    // What a router takes off the path at the place of mounting is a part of the pages' own paths.
    const { originalUrl } = request as { readonly originalUrl?: string };
    const url = originalUrl ?? request.url ?? '/';
    if (next !== undefined && !isBelow(url, base)) {
      next();
      return;
    }
    request.url = url;
    keepBody(request);
    detach(listen(request, response), () => response.destroy());
  };
}

function isBelow(url: string, base: string): boolean {
  const path = url.replace(/[?#].*$/s, '');
  return path === base || path.startsWith(`${base}/`);
}

/**
 * A parser of the host may have read the body: what it has made of it becomes a body again. Forms of the pages are flat, so
 * nothing is lost.
 */
function keepBody(request: IncomingMessage): void {
  const { body, rawBody } = request as { readonly body?: unknown; readonly rawBody?: unknown };
  if (body === undefined || rawBody !== undefined || !request.readableEnded) return;
  const type = request.headers['content-type'] ?? '';
  const text = type.includes('json') ? JSON.stringify(body) : formOf(body);
  Object.assign(request, { rawBody: Buffer.from(text) });
}

function formOf(body: unknown): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body ?? {})) {
    for (const one of [value].flat()) form.append(name, String(one));
  }
  return form.toString();
}

/**
 * Mounts the pages on an app of Hono, at their `basePath`.
 * @throws InvalidError for a bad option.
 */
export function mountOnHono(app: HonoApp, pawl: Pawl, options: DashboardOptions = {}): void {
  const pages = dashboard(pawl, options);
  const base = (options.basePath ?? '').replace(/\/$/, '');
  for (const path of base === '' ? ['/*'] : [base, `${base}/*`]) {
    app.all(path, (c) => pages.fetch(c.req.raw));
  }
}

/**
 * Mounts the pages on an app of Express, at their `basePath`, before parsers of bodies or after them.
 * @throws InvalidError for a bad option.
 */
export function mountOnExpress(
  app: MiddlewareApp,
  pawl: Pawl,
  options: DashboardOptions = {},
): void {
  const listen = dashboardListener(pawl, options);
  app.use((request, response, next) => listen(request, response, next));
}

/**
 * Mounts the pages on an app of Nest, over Express or Fastify, at their `basePath`; a global prefix does not change it.
 * Call it in `main.ts`, before `app.listen`.
 * @throws InvalidError for a bad option.
 */
export function mountOnNest(app: MiddlewareApp, pawl: Pawl, options: DashboardOptions = {}): void {
  mountOnExpress(app, pawl, options);
}

/**
 * Mounts the pages on Fastify, at their `basePath`, in a scope of their own: parsers and hooks of other scopes stay as they
 * are.
 * @throws InvalidError for a bad option.
 */
export function mountOnFastify(app: FastifyApp, pawl: Pawl, options: DashboardOptions = {}): void {
  const listen = dashboardListener(pawl, options);
  const base = (options.basePath ?? '').replace(/\/$/, '');
  app.register((given, _options, done) => {
    const scope = given as FastifyScope;
    scope.removeAllContentTypeParsers();
    // The pages read their forms themselves.
    scope.addContentTypeParser('*', (_request, _body, parsed) => parsed(null));
    for (const path of base === '' ? ['/*'] : [base, `${base}/*`]) {
      scope.all(path, (request, reply) => {
        reply.hijack();
        listen(request.raw, reply.raw);
      });
    }
    done();
  });
}

/**
 * The handlers of a route of Next, `app/admin/pawl/[[...path]]/route.ts` for `basePath: '/admin/pawl'`:
 * `export const { GET, POST, PUT, PATCH } = nextRoute(pawl, { basePath: '/admin/pawl' })`. The route runs on Node.
 * @throws InvalidError for a bad option.
 */
export function nextRoute(
  pawl: Pawl,
  options: DashboardOptions = {},
): {
  readonly GET: Handler;
  readonly POST: Handler;
  readonly PUT: Handler;
  readonly PATCH: Handler;
} {
  const pages = dashboard(pawl, options);
  const answer: Handler = async (request) => pages.fetch(request);
  return { GET: answer, POST: answer, PUT: answer, PATCH: answer };
}
