// Goal: the page of health has what `pawl doctor` finds, for those who may ask, once however many ask at a time. Method: a
// real Redis, with damage that is planted into an index.
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { defineWorkflow, type Pawl } from 'pawl';
import { dashboard, type DashboardOptions } from 'pawl/dashboard';
import { doctor } from 'pawl/doctor';
import { openInMemory } from 'pawl/testing';
import { newPrefix, openPawl } from '../support/workers.ts';

const brief = defineWorkflow({ name: 'brief', run: () => 1 });
const headers = { host: '127.0.0.1:4777' };
const origin = `http://${headers.host}`;

function pagesOf(pawl: Pawl, options: DashboardOptions = {}) {
  const pages = dashboard(pawl, { readOnly: false, actor: 'ada', ...options });
  const health = async (): Promise<string> =>
    (await pages.fetch(new Request(`${origin}/health`, { headers }))).text();
  const examine = async (accept = 'text/html', given?: string): Promise<[number, string]> => {
    const token = given ?? /name="token" value="([^"]*)"/.exec(await health())?.[1] ?? '';
    const answer = await pages.fetch(
      new Request(`${origin}/health/doctor`, {
        method: 'POST',
        headers: {
          ...headers,
          origin,
          accept,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ token }),
      }),
    );
    return [answer.status, (await answer.text()).replaceAll(/\s+/g, ' ')];
  };
  return { health, examine };
}

test('the same checks as pawl doctor, and the queues; what is wrong says what to do', async () => {
  const [redis, prefix] = [inject('redisUrl'), newPrefix()];
  await using pawl = await openPawl(redis, prefix);
  pawl.worker({ workflows: [brief] });
  await pawl.start(brief, undefined, { id: 'r1' });
  await pawl.run('r1').result();
  expect(pawl.redis?.address).toBe(new URL(redis).host);
  const { checks } = await doctor({ redis, prefix });
  const found = await pawl.redis?.doctor();
  expect(found?.checks.map(({ name }) => name)).toEqual([
    ...checks.map(({ name }) => name),
    'queues',
  ]);
  const names = found?.checks.map(({ name }) => name) ?? [];
  for (const name of ['node', 'redis', 'persistence', 'clock', 'access', 'presence', 'indexes']) {
    expect(names).toContain(name);
  }
  const { examine } = pagesOf(pawl);
  const [status, page] = await examine();
  expect(status).toBe(200);
  expect([...page.matchAll(/data-key="([^"]*)"/g)].map(([, name]) => name)).toEqual(names);
  expect(page).toContain('✓ ok');
  const admin = new Redis(redis);
  await admin.zrem(`{${prefix}:0}:by-status:completed`, 'r1');
  admin.disconnect();
  const [, wrong] = await examine();
  expect(wrong).toContain('✕ wrong');
  expect(wrong).toContain('pawl doctor --full finds all of them');
  expect(wrong).toContain('href="/runs/r1"');
  const [, json] = await examine('application/json');
  expect(JSON.parse(json)).toMatchObject({ ok: false, damage: [{ run: 'r1' }] });
});

test('who only reads is told of the command line, and refused', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  const reader: DashboardOptions = { login: () => ({ actor: 'kim', role: 'read' }) };
  for (const options of [{ readOnly: true }, reader]) {
    const { health, examine } = pagesOf(pawl, options);
    expect(await health()).toContain('pawl doctor');
    expect(await health()).not.toContain('/health/doctor');
    expect((await examine())[0]).toBe(403);
  }
  expect((await pagesOf(pawl).examine('text/html', 'x'))[0]).toBe(403);
});

test('who asks while one is made is told the same', async () => {
  await using pawl = await openPawl(inject('redisUrl'), newPrefix());
  let made = 0;
  const counting = new Proxy(pawl, {
    get: (target, key) => {
      if (key === 'redis') made += 1;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const { health, examine } = pagesOf(counting);
  const token = /name="token" value="([^"]*)"/.exec(await health())?.[1] ?? '';
  made = 0;
  const answers = await Promise.all([1, 2, 3, 4].map(() => examine('application/json', token)));
  expect(answers.map(([status]) => status)).toEqual([200, 200, 200, 200]);
  expect(made).toBe(1);
});

test('without a Redis there is nothing to look at', async () => {
  await using pawl = openInMemory();
  expect(pawl.redis).toBe(undefined);
  expect((await pagesOf(pawl).examine())[1]).toContain('in no Redis that is known here');
});
