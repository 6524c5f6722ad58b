/**
 * bull-board beside pawl's pages, behind the same login and the same rules. It is loaded when it is first asked for, because
 * most people do not have it.
 *
 * It has a policy of its own: its page has styles in it. It may load nothing from elsewhere, so its fonts are the system's.
 * Only an admin may change anything in it; for others it offers nothing, and the guard refuses.
 */
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono } from 'hono';
import { mayDo } from './access.ts';
import { problem } from './answers.ts';
import type { Env } from './guard.ts';
import { type Redact, shownBy } from './redaction.ts';
import type { Settings } from './settings.ts';
import type { Pawl } from '../pawl.ts';

const policy = [
  "default-src 'none'",
  "style-src 'self' 'unsafe-inline'",
  "script-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

type Queues = Awaited<ReturnType<Pawl['bull']['all']>>;

interface Made {
  readonly queues: Queues;
  readonly board: { readonly fetch: (request: Request) => Response | Promise<Response> };
}

export class Board {
  readonly #pawl: Pawl;
  readonly #settings: Settings;
  #made: Promise<Made> | undefined;

  constructor(pawl: Pawl, settings: Settings) {
    this.#pawl = pawl;
    this.#settings = settings;
  }

  async answer(c: Context<Env>): Promise<Response> {
    const queues = await this.#pawl.bull.all();
    const made = await this.#current(queues);
    if (made === undefined) {
      return problem(
        c,
        this.#settings,
        503,
        'bull-board is not installed: npm install @bull-board/api @bull-board/hono',
      );
    }
    const answer = await made.board.fetch(c.req.raw);
    const headers = new Headers(answer.headers);
    headers.set('Content-Security-Policy', policy);
    const isJson = headers.get('content-type')?.includes('application/json') === true;
    const { redact } = this.#settings;
    const body =
      isJson && redact !== undefined
        ? JSON.stringify(withoutErrors(await answer.json(), redact))
        : answer.body;
    return c.newResponse(body, answer.status as 200, Object.fromEntries(headers));
  }

  /** Made anew when other workflows are known; undefined where bull-board is not installed. */
  async #current(queues: Queues): Promise<Made | undefined> {
    const known = await this.#made?.catch(() => undefined);
    if (known !== undefined && isSame(known.queues, queues)) return known;
    this.#made = makeBoard(this.#settings, queues);
    try {
      return await this.#made;
    } catch (error) {
      this.#made = undefined;
      if ((error as { readonly code?: string }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
      throw error;
    }
  }
}

function isSame(a: Queues, b: Queues): boolean {
  return a.length === b.length && a.every((queue, i) => queue === b[i]);
}

async function makeBoard({ base, role }: Settings, queues: Queues): Promise<Made> {
  const [{ createBullBoard }, { BullMQAdapter }, { HonoAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/hono'),
  ]);
  const path = `${base}/board`;
  const serverAdapter = new HonoAdapter(serveStatic).setBasePath(path);
  const options = {
    readOnlyMode: !mayDo(role, 'admin'),
    externalJobUrl: ({ data }: { readonly data?: unknown }) => ({
      href: `${base}/runs/${encodeURIComponent(runOf(data))}`,
      displayText: 'Run',
    }),
  };
  createBullBoard({
    serverAdapter,
    queues: queues.map((queue) => new BullMQAdapter(queue, options)),
    options: {
      uiConfig: { boardTitle: 'pawl', miscLinks: [{ text: 'Runs', url: `${base}/runs` }] },
    },
  });
  const board = new Hono({ strict: false }).route(path, serverAdapter.registerPlugin());
  return { queues, board };
}

/** The run of a job; empty for a job that is no wake-up. */
function runOf(data: unknown): string {
  const { run } = (data ?? {}) as { readonly run?: unknown };
  return typeof run === 'string' ? run : '';
}

/** BullMQ keeps why a run failed in clear; what is hidden elsewhere is hidden here. */
function withoutErrors(value: unknown, redact: Redact): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutErrors(one, redact));
  if (typeof value !== 'object' || value === null) return value;
  const job = value as Readonly<Record<string, unknown>>;
  const run = runOf(job['data']);
  const shown = (text: unknown): unknown => shownBy(redact, text, { kind: 'error', run });
  return Object.fromEntries(
    Object.entries(job).map(([key, item]) => {
      if (key === 'failedReason') return [key, shown(item)];
      if (key === 'stacktrace' && Array.isArray(item)) return [key, item.map(shown)];
      if (key === 'data') return [key, withoutNote(item, shown)];
      return [key, withoutErrors(item, redact)];
    }),
  );
}

/** The job of a failure whose wake-up was none has the error in its data. */
function withoutNote(data: unknown, shown: (text: unknown) => unknown): unknown {
  const { failed } = (data ?? {}) as { readonly failed?: unknown };
  if (typeof failed !== 'object' || failed === null) return data;
  const hidden = Object.entries(failed).map(([key, text]) => [key, shown(text)] as const);
  return { ...(data as object), failed: Object.fromEntries(hidden) };
}
