/** How a request is answered: with a page, with JSON, or with why it did not work. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import { PawlError } from '../core/errors.ts';
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
  return show(c, settings, {
    title: 'Not shown',
    body,
    refreshSeconds: status === 503 && c.req.method === 'GET' ? retrySeconds : undefined,
  });
}
