/**
 * Who may ask, and who may change something. Each request passes these in turn, before anything is read:
 *
 *   the login    Compared as digests, in constant time; or a function of the host.
 *   the host     Without a login only names of this machine, and those that were listed, are answered: a page of
 *                somebody else's that has rebound its own name to 127.0.0.1 comes with that name.
 *   the headers  Nothing may be loaded but this page's own style, script and event stream, and nobody may frame it.
 *   a change     Needs the role that `access.ts` says, and comes from a page of the same origin. Forms have a token that
 *                only a page of this process can hold.
 */
import { createHmac } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { type DashboardVisitor, isSame, mayDo, roleFor, userOf } from './access.ts';
import type { Settings } from './settings.ts';

export interface Env {
  readonly Bindings: {
    /** Undefined for somebody who is not let in. */
    readonly visitor: DashboardVisitor | undefined;
    /** The login of the host has failed, so that nobody is known. */
    readonly isBroken?: boolean;
  };
  readonly Variables: {
    /** Who is noted in the logs of runs. */
    actor: string;
  };
}

/** Who sends the request: one who only reads where the dashboard is read-only. @throws what a login of the host throws. */
export async function visitorOf(
  settings: Settings,
  request: Request,
): Promise<DashboardVisitor | undefined> {
  const visitor = await knownVisitor(settings, request);
  if (visitor === undefined || settings.role !== 'read') return visitor;
  return { actor: visitor.actor, role: 'read' };
}

async function knownVisitor(
  { login, users, actor, role }: Settings,
  request: Request,
): Promise<DashboardVisitor | undefined> {
  if (login !== undefined) {
    const visitor = await login(request);
    return visitor === undefined ? undefined : { actor: visitor.actor, role: visitor.role };
  }
  if (users.length === 0) return { actor, role };
  const user = userOf(users, request.headers.get('authorization'));
  return user === undefined ? undefined : { actor: user.name, role: user.role };
}

const refused = 'This dashboard does not allow that; nothing was done.';

/** `refuse` answers a change that is not allowed. */
export function guard(
  settings: Settings,
  refuse: (c: Context<Env>, why: string) => Response | Promise<Response>,
): MiddlewareHandler<Env> {
  return async (c, next) => {
    for (const [name, value] of headers) c.header(name, value);
    const { visitor, isBroken } = c.env;
    if (isBroken === true) return c.text('The login has failed, so nobody is let in.\n', 503);
    if (!isKnownHost(settings, c.req.raw)) {
      return c.text('This host name is not one of the dashboard: add it to hosts.\n', 421);
    }
    if (visitor === undefined) {
      if (settings.users.length > 0) {
        c.header('WWW-Authenticate', 'Basic realm="pawl", charset="UTF-8"');
      }
      return c.text('Log in to see this page.\n', 401);
    }
    c.set('actor', visitor.actor);
    if (['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)) return next();
    const needed = roleFor(c.req.path.slice(settings.base.length));
    if (needed === undefined || !mayDo(visitor.role, needed)) return refuse(c, refused);
    if (!isOwn(c.req.raw)) return refuse(c, foreign);
    return next();
  };
}

const foreign = 'The request comes from another site; nothing was done.';

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

function hostOf({ headers: sent, url }: Request): string {
  return (sent.get('host') ?? new URL(url).host).toLowerCase();
}

/** Where nobody logs in, only some names of a host are answered. */
export function isKnownHost({ hasLogin, hosts }: Settings, request: Request): boolean {
  return hasLogin || hosts.has(hostOf(request).replace(/:\d+$/, ''));
}

export function tokenFor({ secret }: Settings, actor: string): string {
  return createHmac('sha256', secret).update(actor).digest('base64url');
}

/** Why a form is refused; undefined when it is not. */
export function refusal(c: Context<Env>, settings: Settings, token: unknown): string | undefined {
  const expected = tokenFor(settings, c.get('actor'));
  if (typeof token === 'string' && isSame(token, expected)) return undefined;
  return 'The form is of another session; nothing was done. Load the page again.';
}

function isOwn(request: Request): boolean {
  const isFromPage = request.headers.has('origin');
  if (!isFromPage) return request.headers.get('sec-fetch-site') === 'same-origin';
  return !isFromElsewhere(request);
}

/** A page of another origin sends it. Programs name no origin. */
export function isFromElsewhere(request: Request): boolean {
  const origin = request.headers.get('origin');
  if (origin === null) return false;
  return !URL.canParse(origin) || new URL(origin).host !== hostOf(request);
}
