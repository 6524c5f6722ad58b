/**
 * Who may ask, and who may change something. Each request passes these in turn, before anything is read:
 *
 *   the host     Without a password only names of this machine, and those that were listed, are answered: a page of
 *                somebody else's that has rebound its own name to 127.0.0.1 comes with that name.
 *   the login    Compared as digests, in constant time.
 *   the headers  Nothing may be loaded but this page's own style, script and event stream, and nobody may frame it.
 *   a change     Comes from a page of the same origin, with a token that only a page of this process can hold.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import type { Settings } from './settings.ts';

export interface Env {
  readonly Variables: {
    /** Who is noted in the logs of runs. */
    actor: string;
  };
}

export function guard(settings: Settings): MiddlewareHandler<Env> {
  return async (c, next) => {
    for (const [name, value] of headers) c.header(name, value);
    const host = c.req.header('host') ?? new URL(c.req.url).host;
    if (settings.password === undefined && !settings.hosts.has(nameOf(host))) {
      return c.text('This host name is not one of the dashboard: add it to hosts.\n', 421);
    }
    if (!mayEnter(settings, c.req.header('authorization'))) {
      c.header('WWW-Authenticate', 'Basic realm="pawl", charset="UTF-8"');
      return c.text('Log in to see this page.\n', 401);
    }
    c.set('actor', settings.password === undefined ? settings.actor : settings.user);
    return next();
  };
}

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];
const headers: readonly (readonly [string, string])[] = [
  ['Content-Security-Policy', policy.join('; ')],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'same-origin'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
];

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

function mayEnter({ user, password }: Settings, header: string | undefined): boolean {
  if (password === undefined) return true;
  const given = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1] ?? '';
  return isSame(Buffer.from(given, 'base64').toString(), `${user}:${password}`);
}

/** The lengths differ, the digests do not: how long it takes says nothing. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

export function tokenFor({ secret }: Settings, actor: string): string {
  return createHmac('sha256', secret).update(actor).digest('base64url');
}

/** Why a change is refused; undefined when it is not. */
export function refusal(c: Context<Env>, settings: Settings, token: unknown): string | undefined {
  const origin = c.req.header('origin');
  const site = c.req.header('sec-fetch-site');
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  const isOwn = origin === undefined ? site === 'same-origin' : isOrigin(origin, host);
  if (!isOwn) return 'The request comes from another site; nothing was done.';
  const expected = tokenFor(settings, c.get('actor'));
  if (typeof token === 'string' && isSame(token, expected)) return undefined;
  return 'The form is of another session; nothing was done. Load the page again.';
}

function isOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
