/** How a request is answered: with a page, with JSON, or with why it did not work. */
import type { Context, MiddlewareHandler } from 'hono';
import { html } from 'hono/html';
import { PawlError, UnavailableError } from '../core/errors.ts';
import type { Env } from './guard.ts';
import type { Html } from './html.ts';
import { type Frame, layout } from './layout.ts';
import { saidPart } from './said.ts';
import type { Settings } from './settings.ts';
import { visible } from './words.ts';

export function wantsJson(c: Context<Env>): boolean {
  const accept = c.req.header('accept') ?? '';
  const wants = accept.includes('application/json') && !accept.includes('text/html');
  return c.req.path.endsWith('.json') || wants;
}

/** A page, under what was done, where an action has led to it. */
export function show(
  c: Context<Env>,
  settings: Settings,
  frame: Frame,
): Response | Promise<Response> {
  const body: Html = html`${saidPart(c.req.query('done'))} ${frame.body}`;
  return c.html(layout(settings, { ...frame, body }));
}

/** A page of many readings must not wait for each of them, where a store does not answer. */
const readMsMax = 8_000;

/** What is only read is answered in time. What changes something is not cut: it would not be known what it has done. */
export const readInTime: MiddlewareHandler<Env> = async (c, next) => {
  if (c.req.method !== 'GET') return next();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new UnavailableError(`reading for ${readMsMax / 1_000} s`, 'not-applied'));
    }, readMsMax);
  });
  try {
    return await Promise.race([next(), late]);
  } finally {
    clearTimeout(timer);
  }
};

type Failure = 400 | 403 | 404 | 409 | 500 | 503;

export function statusOf(error: unknown): Failure {
  if (!PawlError.is(error)) return 500;
  switch (error.code) {
    case 'PAWL_INVALID':
    case 'PAWL_LIMIT':
    case 'PAWL_UNSTORABLE':
      return 400;
    case 'PAWL_RUN_NOT_FOUND':
      return 404;
    case 'PAWL_RUN_ENDED':
    case 'PAWL_RUN_ACTIVE':
    case 'PAWL_RUN_EXISTS':
    case 'PAWL_ANSWERED':
    case 'PAWL_TIMEOUT':
      return 409;
    case 'PAWL_UNAVAILABLE':
      return 503;
    default:
      return 500;
  }
}

/** What a stranger's error says may hold anything: only pawl's own are shown. */
export function messageOf(error: unknown): string {
  return PawlError.is(error) ? error.message : 'The page could not be made.';
}

const retrySeconds = 3;

/** Redis is away. A page that was asked for comes by itself when it is back; what was sent says what became of it. */
export function unavailable(
  c: Context<Env>,
  settings: Settings,
  { message, address }: { readonly message: string; readonly address: string | undefined },
): Response | Promise<Response> {
  if (c.req.method !== 'GET' || wantsJson(c)) return problem(c, settings, 503, message);
  c.status(503);
  const body = html`<h1>Redis does not answer</h1>
    ${address === undefined ? '' : html`<p>It is expected at <code>${visible(address)}</code>.</p>`}
    <p>
      This page loads itself again every ${retrySeconds} seconds, until it is back. Runs stand still
      meanwhile. What is stored stays stored.
    </p>
    <p class="dim">What failed: ${visible(message)}</p>
    <p>What to do: see whether the server runs and this machine reaches it. A shell says more:</p>
    <p><code class="command">pawl doctor</code></p>`;
  return show(c, settings, { title: 'Redis is away', body, refreshSeconds: retrySeconds });
}

export function problem(
  c: Context<Env>,
  settings: Settings,
  status: Failure,
  message: string,
): Response | Promise<Response> {
  c.status(status);
  if (wantsJson(c)) return c.json({ error: message });
  const back = html`<p><a href="${settings.base}/runs">Runs</a></p>`;
  const body = html`<h1>${status === 404 ? 'Not found' : 'This did not work'}</h1>
    <p>${visible(message)}</p>
    ${back}`;
  return show(c, settings, { title: 'Not shown', body });
}
