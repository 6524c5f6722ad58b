/**
 * The server of the page. It starts runs, sends signals and reads answers; it calls no model. So it may die as well, and a
 * page that comes back finds its answer: at another server, too.
 */
import { readFile } from 'node:fs/promises';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { AnsweredError, type Pawl, PawlError } from 'pawl';
import { serveAnswers } from 'pawl/ai';
import { z } from 'zod';
import type { Fleet } from './fleet.ts';
import { Transcript } from './transcript.ts';
import { conversation } from './workflow.ts';

/** In the sources also for the compiled server: they are no modules. */
const sources = new URL('../../../examples/agent-chat/page/', import.meta.url);
const files: Readonly<Record<string, readonly [URL, string]>> = {
  '/': [new URL('index.html', sources), 'text/html; charset=utf-8'],
  '/chat.js': [new URL('chat.js', sources), 'text/javascript; charset=utf-8'],
  '/style.css': [new URL('style.css', sources), 'text/css; charset=utf-8'],
};
const turnOf = (text: string): string => `turn-${z.coerce.number().int().min(0).parse(text)}`;

export interface ChatParts {
  readonly pawl: Pawl;
  readonly fleet: Fleet;
}

function chatApp({ pawl, fleet }: ChatParts): Hono {
  const app = new Hono();
  const runOf = (id: string) => pawl.run(conversation, id);
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ['data:'],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    }),
  );
  // Another site whose name leads to this machine is not this page.
  app.use(async (c, next) => {
    const { hostname } = new URL(`http://${c.req.header('host') ?? ''}`);
    if (!['localhost', '127.0.0.1'].includes(hostname)) return c.text('No such host.', 403);
    return next();
  });
  app.onError((error, c) => {
    const isAsked = error instanceof z.ZodError || PawlError.is(error);
    return c.json({ error: error.message }, isAsked ? 400 : 500);
  });
  for (const [path, [file, type]] of Object.entries(files)) {
    app.get(path, async (c) => c.body(await readFile(file), 200, { 'Content-Type': type }));
  }

  // The page reads answers with the code that the tests read them with; it imports nothing.
  app.get('/transcript.js', (c) =>
    c.body(`export const Transcript = ${Transcript.toString()};`, 200, {
      'Content-Type': 'text/javascript; charset=utf-8',
    }),
  );

  app.get('/api/:id', async (c) => {
    const id = c.req.param('id');
    await pawl.start(conversation, undefined, { id });
    const { messages, asked } = await runOf(id).state();
    return c.json({ messages, asked, turn: messages.length / 2 });
  });
  // The same turn again is the same question: a second click changes nothing.
  app.post('/api/:id/:turn/question', async (c) => {
    const { text } = z.object({ text: z.string().min(1).max(2_000) }).parse(await c.req.json());
    const turn = turnOf(c.req.param('turn'));
    await runOf(c.req.param('id')).signal('question', { text }, { key: turn, id: turn });
    return c.body(null, 204);
  });
  const answers = serveAnswers(pawl, {
    find: (request) => {
      const [, , id = '', turn = ''] = new URL(request.url).pathname.split('/');
      return { run: id, answer: turnOf(turn) };
    },
  });
  app.get('/api/:id/:turn/answer', (c) => answers(c.req.raw));
  app.post('/api/:id/approval', async (c) => {
    const { wait, approved } = z
      .object({ wait: z.string(), approved: z.boolean() })
      .parse(await c.req.json());
    try {
      await runOf(c.req.param('id')).answer(wait, { approved }, { actor: 'the page' });
      return c.body(null, 204);
    } catch (error) {
      if (!(error instanceof AnsweredError)) throw error;
      return c.json({ error: `${error.by ?? 'Somebody'} was first.` }, 409);
    }
  });
  app.get('/api/:id/worker', async (c) => {
    const { worker, takeovers } = await runOf(c.req.param('id')).info();
    return c.json({ worker: fleet.labelOf(worker), workers: fleet.size, takeovers });
  });
  app.post('/api/:id/kill', async (c) => {
    const { worker } = await runOf(c.req.param('id')).info();
    const label = fleet.labelOf(worker);
    if (worker === undefined || !(await fleet.kill(worker))) {
      return c.json({ error: 'No worker is answering.' }, 409);
    }
    return c.json({ killed: label });
  });
  return app;
}

export interface ChatServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the page on this machine alone. Port 0 is one that is free. */
export async function serveChat(parts: ChatParts, port: number): Promise<ChatServer> {
  const { fetch } = chatApp(parts);
  const started = await new Promise<{ server: ServerType; port: number }>((resolve) => {
    const server = serve({ fetch, port, hostname: '127.0.0.1' }, (info) =>
      resolve({ server, port: info.port }),
    );
  });
  return {
    url: `http://127.0.0.1:${started.port}/`,
    stop: () =>
      new Promise((resolve) => {
        started.server.close(() => resolve());
        if ('closeAllConnections' in started.server) started.server.closeAllConnections();
      }),
  };
}
