// Goal: passwords, keys and payloads are in no log and in no error. Method: everything that is logged and thrown is written
// out as deep as it goes, hidden properties and causes too, and searched.
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Logger, Pawl } from 'pawl';
import { type LimitedServer, startLimitedServer } from '../support/limited-user.ts';
import { keeper, keepSecrets, secret } from '../support/secret-workflow.ts';

const key = Buffer.from('Kx9-thirty-two-bytes-of-a-key!!!');
const encryption = { keys: { k: key }, current: 'k' };
let limited: LimitedServer;

beforeAll(async () => {
  limited = await startLimitedServer();
});

afterAll(() => limited.stop());

/** All there is to see of a value. */
function shown(value: unknown): string {
  const seen: string[] = [];
  for (let one: unknown = value; one instanceof Error; one = one.cause) {
    seen.push(String(one), one.stack ?? '', JSON.stringify(one, Object.getOwnPropertyNames(one)));
  }
  return [
    inspect(value, {
      depth: Infinity,
      showHidden: true,
      maxStringLength: Infinity,
      maxArrayLength: Infinity,
    }),
    JSON.stringify(value) ?? '',
    ...seen,
  ].join('\n');
}

function expectNothingOf(text: string, secrets: readonly string[]): void {
  for (const one of secrets) expect(text.includes(one), `found ${one.slice(0, 4)}…`).toBe(false);
}

/** A buffer is shown as hex with spaces, and as a list of numbers in JSON. */
const forms = (bytes: Buffer): string[] => [
  bytes.toString('latin1').slice(0, 10),
  bytes.toString('base64').slice(0, 12),
  bytes.subarray(0, 8).toString('hex'),
  (bytes.subarray(0, 8).toString('hex').match(/../g) ?? []).join(' '),
  [...bytes.subarray(0, 8)].join(','),
];

async function caught(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('nothing was thrown');
    },
    (error: unknown) => error,
  );
}

test('nothing secret is logged: no password, no key, no payload', async () => {
  const url = await limited.allow('logs');
  const lines: string[] = [];
  const note = (fields: object, message: string): void => {
    // The text of an error that a handler throws is logged as it is: docs/security.md says so.
    if (message !== 'run failed') lines.push(shown({ fields, message }));
  };
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const pawl = await Pawl.open({ redis: url, prefix: 'logs', logger, encryption, callMs: 500 });
  await keepSecrets(pawl);
  // A connection that breaks and comes back says so, with what it has at hand.
  await limited.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await expect.poll(() => lines.length, { timeout: 10_000 }).toBeGreaterThan(0);
  await pawl.start(keeper, { text: secret }, { id: 'again' });
  await pawl.close({ graceMs: 100 });
  const text = lines.join('\n');
  expectNothingOf(text, ['pw-7Hq2', secret, ...forms(key), ...forms(Buffer.from(secret))]);
  expect(shown(pawl)).not.toContain('pw-7Hq2');
});

test('the error of a refused write does not hold what was to be written', async () => {
  const url = await limited.allow('refused', ['-xadd']);
  await using pawl = await Pawl.open({ redis: url, prefix: 'refused' });
  const error = await caught(pawl.start(keeper, { text: secret }, { id: 'a' }));
  expect(error).toMatchObject({ code: 'PAWL_REDIS_CONFIG' });
  expectNothingOf(shown(error), ['pw-7Hq2', secret, ...forms(Buffer.from(secret))]);
});

test('the error of a refused login does not hold the password', async () => {
  await limited.allow('login');
  const url = limited.server.url.replace('redis://', 'redis://user-login:wrong-9Zk@');
  const error = await caught(Pawl.open({ redis: url, prefix: 'login', connectMs: 10_000 }));
  expect(error).toMatchObject({
    code: 'PAWL_REDIS_CONFIG',
    message: expect.stringContaining('WRONGPASS'),
  });
  expectNothingOf(shown(error), ['wrong-9Zk', ...forms(Buffer.from('wrong-9Zk'))]);
});

test.each([
  ['a URL that is none', 'redis://user:wrong-9Zk@host:99999'],
  ['another protocol', 'http://user:wrong-9Zk@host:6379'],
  ['a port nobody listens on', 'redis://user:wrong-9Zk@127.0.0.1:1'],
])('%s: the error does not hold the password', async (_, redis) => {
  const error = await caught(Pawl.open({ redis, connectMs: 200 }));
  expect(error).toMatchObject({ code: expect.stringMatching(/^PAWL_(INVALID|UNAVAILABLE)$/) });
  expectNothingOf(shown(error), ['wrong-9Zk']);
});

test('an error of a call without an answer does not hold its arguments', async () => {
  const url = await limited.allow('paused');
  await using pawl = await Pawl.open({ redis: url, prefix: 'paused', callMs: 300 });
  const admin = new Redis(limited.server.url);
  await admin.call('CLIENT', 'PAUSE', '1500', 'ALL');
  const error = await caught(pawl.start(keeper, { text: secret }, { id: 'a' }));
  admin.disconnect();
  expect(error).toMatchObject({ code: 'PAWL_UNAVAILABLE', outcome: 'unknown' });
  expectNothingOf(shown(error), ['pw-7Hq2', secret, ...forms(Buffer.from(secret))]);
});
