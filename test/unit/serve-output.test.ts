// Goal: a page that is loaded anew, or a client that comes back, misses nothing and gets nothing twice. Method: requests to
// the handler, over the memory store.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defineWorkflow, InvalidError, type Pawl, serveOutput } from 'pawl';
import { z } from 'zod';
import { memoryPawl } from '../support/memory.ts';

const talk = defineWorkflow({
  name: 'talk',
  outputs: { default: z.union([z.string(), z.date()]), log: z.string() },
  run: (ctx) =>
    ctx.step('talk', async (step) => {
      for (const word of ['a', 'b', 'c']) {
        await step.write(word);
        await pause(20);
      }
      await step.output('log').write('said');
      await step.write(new Date(0));
    }),
});

const url = 'http://localhost/runs/run-1/output';
const sse = { accept: 'text/event-stream' };

function handler(pawl: Pawl): (path?: string, init?: RequestInit) => Promise<Response> {
  const serve = serveOutput(pawl, {
    find: (request) => {
      const [, , run] = new URL(request.url).pathname.split('/');
      return run === 'secret' ? new Response(null, { status: 403 }) : (run ?? '');
    },
  });
  return (path = '', init = {}) => serve(new Request(new URL(path, url), init));
}

interface Served {
  readonly number: number;
  readonly value: unknown;
}

const valuesOf = (chunks: readonly Served[]): unknown[] => chunks.map(({ value }) => value);

test('server-sent events go on until the run has ended, and Last-Event-ID goes on behind it', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  pawl.worker({ workflows: [talk] });
  await pawl.start(talk, undefined, { id: 'run-1' });
  const response = await request('', { headers: sse });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const text = await response.text();
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual([1, 2, 3, 4, 5]);
  const data = [...text.matchAll(/^event: data\ndata: (.+)$/gm)].flatMap(
    ([, json = '']) => JSON.parse(json) as Served[],
  );
  expect(valuesOf(data)).toEqual(['a', 'b', 'c', 'said', { $date: '1970-01-01T00:00:00.000Z' }]);
  expect(text.trimEnd().split('\n').at(-1)).toBe(
    'data: {"streamNextOffset":"0000000000000005","upToDate":true,"streamClosed":true}',
  );
  const again = await request('', { headers: { ...sse, 'last-event-id': '0000000000000003' } });
  expect([...(await again.text()).matchAll(/^id: 0*(\d+)$/gm)].map(([, id]) => id)).toEqual([
    '4',
    '5',
  ]);
});

test('lines of JSON go on until the run has ended, of one output as well', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  pawl.worker({ workflows: [talk] });
  await pawl.start(talk, undefined, { id: 'run-1' });
  const headers = { accept: 'application/x-ndjson' };
  const [all, log] = await Promise.all([
    request('', { headers }).then((response) => response.text()),
    request('?output=log', { headers }).then((response) => response.text()),
  ]);
  const parse = (text: string): Served[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Served);
  expect(parse(all).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(valuesOf(parse(log))).toEqual(['said']);
});

test('an answer at once has what is kept, with the offset to go on from', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  pawl.worker({ workflows: [talk] });
  const run = await pawl.start(talk, undefined, { id: 'run-1' });
  await run.result();
  const response = await request('?offset=-1');
  expect(valuesOf((await response.json()) as Served[])).toHaveLength(5);
  expect(response.headers.get('stream-next-offset')).toBe('0000000000000005');
  expect(response.headers.get('stream-up-to-date')).toBe('true');
  expect(response.headers.get('stream-closed')).toBe('true');
  const rest = await request('?offset=0000000000000003');
  expect(((await rest.json()) as Served[]).map(({ number }) => number)).toEqual([4, 5]);
  const head = await request('', { method: 'HEAD' });
  expect(head.headers.get('stream-next-offset')).toBe('0000000000000005');
  expect(await head.text()).toBe('');
});

test('a long poll waits for the next chunk', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  await pawl.start(talk, undefined, { id: 'run-1' });
  const polled = request('?live=long-poll');
  await pause(20);
  pawl.worker({ workflows: [talk] });
  const response = await polled;
  expect(valuesOf((await response.json()) as Served[])[0]).toBe('a');
  expect(response.headers.get('stream-closed')).toBe(null);
});

test('a client begins behind what is there, and asks for the same only once', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  pawl.worker({ workflows: [talk] });
  const run = await pawl.start(talk, undefined, { id: 'run-1' });
  await run.result();
  const behind = await request('?offset=now');
  expect(await behind.json()).toEqual([]);
  expect(behind.headers.get('stream-next-offset')).toBe('0000000000000005');
  expect((await request('?offset=now&live=long-poll')).status).toBe(204);
  const events = await (await request('?offset=now', { headers: sse })).text();
  expect(events).toContain('"upToDate":true,"streamClosed":true');
  expect(events).not.toContain('event: data');
  const first = await request('');
  const tag = first.headers.get('etag') ?? '';
  expect((await request('', { headers: { 'if-none-match': tag } })).status).toBe(304);
  const other = await request('?offset=3', { headers: { 'if-none-match': tag } });
  expect(other.status).toBe(200);
  expect(other.headers.get('x-content-type-options')).toBe('nosniff');
});

test('a client that leaves stops the reading', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  pawl.worker({ workflows: [talk] });
  await pawl.start(talk, undefined, { id: 'run-1' });
  const response = await request('', { headers: sse });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  expect((await reader?.read())?.done).toBe(true);
});

test('what cannot be read is refused', async () => {
  await using pawl = memoryPawl().pawl;
  const request = handler(pawl);
  const statusOf = async (path: string, init?: RequestInit): Promise<number> =>
    (await request(path, init)).status;
  expect(await statusOf('')).toBe(404);
  expect(await statusOf('', { headers: sse })).toBe(404);
  expect(await statusOf('/runs/secret/output')).toBe(403);
  expect(await statusOf('?offset=soon')).toBe(400);
  expect(await statusOf('/runs/no%20id/output')).toBe(400);
  expect(await statusOf('', { method: 'PUT', body: 'x' })).toBe(405);
  expect(() => serveOutput(pawl, {} as never)).toThrow(InvalidError);
});
