/** What holds for the pages over every store. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { serveDashboard, type ServedDashboard } from 'pawl/dashboard';
import { ask, drawn, hostile, nasty } from './pages.ts';
import { firstEvent } from './workers.ts';

/** Has a step at work until it is cancelled. */
const busy = defineWorkflow({
  name: 'busy',
  run: (ctx) =>
    ctx.step('<b>pack</b>', async ({ signal }) => {
      await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }));
    }),
});

const json = { accept: 'application/json' };

export function pageChecks(open: () => Promise<Pawl>): void {
  let pawl: Pawl;
  let served: ServedDashboard;
  let url: string;

  beforeAll(async () => {
    pawl = await open();
    const worker = pawl.worker({ workflows: [nasty, drawn, busy], beatMs: 50 });
    await worker.ready();
    const [waiting, failed] = await Promise.all([
      pawl.start(nasty, { text: hostile }, { id: 'waits', tags: { tenant: 'acme' } }),
      pawl.start(nasty, { text: hostile, fail: true }, { id: 'fails' }),
    ]);
    const graph = await pawl.start(drawn, {}, { id: 'graph' });
    await firstEvent(waiting, ({ type }) => type === 'checkpoint.saved');
    await expect(failed.result()).rejects.toThrow();
    await graph.result();
    served = await serveDashboard(pawl, { port: 0, readOnly: false, workflows: [drawn] });
    url = served.url.replace(/\/$/, '');
  });

  afterAll(async () => {
    await served?.close();
    await pawl?.close({ graceMs: 100 });
  });

  describe('pages', () => {
    test.each(['/runs', '/runs/waits', '/runs/fails', '/inbox', '/queues', '/workers'])(
      '%s is whole, and holds nothing hostile',
      async (path) => {
        const { status, text, headers } = await ask(url + path);
        expect(status).toBe(200);
        expect(headers['content-security-policy']).toContain("default-src 'none'");
        expect(text).toContain('<main id="main">');
        expect(text).toContain('</html>');
        expect(text).not.toMatch(/<script>alert|<img src=x|<b>label|\u202e/);
        expect(text.includes('\0')).toBe(false);
        const asJson = await ask(url + path, { headers: json });
        expect(asJson.headers['content-type']).toContain('application/json');
        expect(JSON.parse((await ask(`${url}${path}.json`)).text)).toEqual(
          expect.objectContaining(path === '/workers' ? { workers: expect.any(Array) } : {}),
        );
      },
    );

    test('filters meet every condition', async () => {
      const found = async (query: string): Promise<unknown[]> => {
        const { text } = await ask(`${url}/runs.json?${query}`);
        return (JSON.parse(text) as { runs: { id: string }[] }).runs.map(({ id }) => id);
      };
      expect(await found('status=failed')).toEqual(['fails']);
      expect(await found('tag=tenant%3Dacme&workflow=nasty')).toEqual(['waits']);
      expect(await found('status=failed&tag=tenant%3Dacme')).toEqual([]);
      expect((await ask(`${url}/runs?status=none`)).status).toBe(400);
    });

    test('a run shows its hostile content as text, its state and its checkpoint', async () => {
      const { text } = await ask(`${url}/runs/waits`);
      expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      expect(text).toContain('&lt;b&gt;label&lt;/b&gt;');
      expect(text).toContain('claimed by');
      expect((await ask(`${url}/runs/graph`)).text).toContain('flowchart TD');
      const { stored } = JSON.parse((await ask(`${url}/runs/waits.json`)).text) as {
        stored: { state: unknown };
      };
      expect(stored.state).toEqual({ note: hostile });
    });

    test('the step at work is shown, with its attempt', async () => {
      const run = await pawl.start(busy, {}, { id: 'busy' });
      let text = '';
      for (let i = 0; i < 200 && !text.includes('At work'); i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        ({ text } = await ask(`${url}/runs/busy`));
      }
      expect(text).toContain('<bdi>&lt;b&gt;pack&lt;/b&gt;</bdi>');
      await run.cancel();
      await expect(run.result()).rejects.toThrow();
      expect((await ask(`${url}/runs/busy`)).text).not.toContain('At work');
    });

    test('what is not there is said', async () => {
      expect((await ask(`${url}/runs/nobody`)).status).toBe(404);
      expect((await ask(`${url}/runs/%3Cscript%3E`)).status).toBe(400);
      expect((await ask(`${url}/else`)).status).toBe(404);
    });
  });

  describe('refusals', () => {
    test('a name that was rebound to this machine', async () => {
      expect((await ask(`${url}/runs`, { headers: { host: 'evil.example' } })).status).toBe(421);
    });

    test('a form of another site, and one without its token', async () => {
      const { text } = await ask(`${url}/runs/waits`);
      const token = /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '';
      const post = async (origin: string, sent: string): Promise<number> => {
        const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' };
        const body = new URLSearchParams({ token: sent, reason: 'x' }).toString();
        const path = `${url}/runs/waits/pause`;
        return (await ask(path, { method: 'POST', headers, body })).status;
      };
      expect(await post('http://evil.example', token)).toBe(403);
      expect(await post(url, 'wrong')).toBe(403);
      expect((await pawl.run('waits').info()).paused).toBe(false);
      expect(await post(url, token)).toBe(303);
      expect((await pawl.run('waits').info()).paused).toBe(true);
      await pawl.run('waits').resume();
    });

    test('changes of a read-only dashboard, strangers, and an open address', async () => {
      await using closed = await serveDashboard(pawl, { port: 0, password: 'secret', user: 'ada' });
      const login = (text: string): Record<string, string> => ({
        authorization: `Basic ${Buffer.from(text).toString('base64')}`,
      });
      expect((await ask(`${closed.url}runs`)).status).toBe(401);
      expect((await ask(`${closed.url}runs`, { headers: login('ada:wrong') })).status).toBe(401);
      const headers = login('ada:secret');
      expect((await ask(`${closed.url}runs`, { headers })).status).toBe(200);
      const pause = { method: 'POST', headers };
      expect((await ask(`${closed.url}runs/waits/pause`, pause)).status).toBe(403);
      await expect(serveDashboard(pawl, { host: '0.0.0.0' })).rejects.toThrow(/password/);
    });
  });

  test('a stream goes on from the last id, and ends with the run', async () => {
    const { text } = await ask(`${url}/runs/fails/live`, { headers: { 'last-event-id': '2' } });
    const { seq } = await pawl.run('fails').info();
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(Array.from({ length: seq - 2 }, (_, i) => i + 3));
    expect(text).toContain('event: end\ndata: failed');
  });
}
