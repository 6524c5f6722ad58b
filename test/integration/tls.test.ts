// Goal: TLS for every connection, pawl's and BullMQ's, and one clear error for a wrong certificate. Method: a real server
// that speaks nothing but TLS, with certificates made here and now.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import { freePort, startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { hasOpenssl, makeAuthority, serverCertificate } from '../support/certificates.ts';
import { ticks } from '../support/workflows.ts';

const run = promisify(execFile);
const password = 'pw-5Tz8-secret';

describe.skipIf(!hasOpenssl)('a server with TLS (needs the openssl program)', () => {
  let dir = '';
  let server: RedisServer;
  let port = 0;
  let ca: Buffer;
  let otherCa: Buffer;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pawl-tls-'));
    ca = await makeAuthority(dir, 'ca');
    otherCa = await makeAuthority(dir, 'other');
    const certificate = await serverCertificate(dir, 'ca');
    port = await freePort();
    server = await startRedisServer({
      config: { 'tls-port': String(port), ...certificate, requirepass: password },
    });
  });

  afterAll(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  /** How many connections there are by port of the server, as the server sees them. */
  async function plainConnections(): Promise<number> {
    const admin = new Redis(server.url);
    try {
      const list = (await admin.client('LIST')) as string;
      return list.split('\n').filter((line) => line.includes(`laddr=127.0.0.1:${server.port} `))
        .length;
    } finally {
      admin.disconnect();
    }
  }

  test.each(['options', 'an instance'])('a run to its end, all of it by TLS: %s', async (how) => {
    const options = { host: '127.0.0.1', port, password, tls: { ca } };
    const redis = how === 'options' ? options : new Redis({ ...options, lazyConnect: true });
    await using pawl = await Pawl.open({ redis, prefix: `tls-${how.replace(' ', '-')}` });
    const worker = pawl.worker({ workflows: [ticks] });
    await worker.ready();
    const handle = await pawl.start(ticks, { count: 3 });
    expect(await handle.result({ timeoutMs: 10_000 })).toEqual({ sum: 3 });
    await pawl.schedule(ticks, { count: 1 }, { id: 's', every: '1h' });
    // The only one that does not use TLS is the one that asks.
    expect(await plainConnections()).toBe(1);
  });

  test('a rediss URL, with the authority in the environment of the process', async () => {
    const script = `
      import { Pawl } from 'pawl';
      const pawl = await Pawl.open({ redis: process.env.URL, prefix: 'tls-url', connectMs: 5000 });
      console.log((await pawl.workers()).length);
      await pawl.close();`;
    const url = `rediss://:${password}@127.0.0.1:${port}`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: new URL('../../', import.meta.url),
      env: { ...process.env, URL: url, NODE_EXTRA_CA_CERTS: join(dir, 'ca.crt') },
    });
    expect(stdout.trim()).toBe('0');
  });

  test.each([
    ['another authority', (): object => ({ tls: { ca: otherCa } }), /certificate|self.signed/i],
    ['no authority', (): object => ({ tls: {} }), /certificate|self.signed/i],
    [
      'another host name',
      (): object => ({ tls: { ca, servername: 'example.org' } }),
      /altnames|Hostname/i,
    ],
    ['a wrong password', (): object => ({ tls: { ca }, password: 'wrong-secret' }), /WRONGPASS/],
  ])('%s: one clear error, at once, without the password', async (_, wrong, reason) => {
    const redis = { host: '127.0.0.1', port, password, ...wrong() };
    // Longer than the test may take: it ends only if nothing waits for an answer that cannot come.
    const error: unknown = await Pawl.open({ redis, connectMs: 600_000 }).catch(
      (one: unknown) => one,
    );
    expect(error).toMatchObject({ code: 'PAWL_REDIS_CONFIG', outcome: 'not-applied' });
    expect(String(error)).toMatch(reason);
    const shown = inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify(error);
    expect(shown).not.toContain(password);
    expect(shown).not.toContain('wrong-secret');
  });
});
