// Goal: in a Cluster, too, everything works by TLS alone and with the printed access rules alone. Method: three masters that
// speak TLS, the same limited user on each, and their own lists of refusals and of connections as the witnesses.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pawl } from 'pawl';
import { hasOpenssl, makeAuthority, serverCertificate } from '../support/certificates.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { allowUser, refusedBy } from '../support/limited-user.ts';
import { keepSecrets } from '../support/secret-workflow.ts';

describe.skipIf(!hasOpenssl)('a cluster with TLS and a limited user (needs openssl)', () => {
  let dir = '';
  let ca: Buffer;
  let cluster: RedisCluster;
  let admins: Redis[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pawl-tls-'));
    ca = await makeAuthority(dir, 'ca');
    cluster = await startRedisCluster({ tls: true, config: await serverCertificate(dir, 'ca') });
    admins = cluster.servers.map(({ url }) => new Redis(url));
  });

  afterAll(async () => {
    for (const admin of admins) admin.disconnect();
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  /** Connections that do not use TLS, by node. */
  const plainConnections = (): Promise<number[]> =>
    Promise.all(
      cluster.servers.map(async ({ port }, i) => {
        const list = String(await admins[i]?.client('LIST'));
        const plain = `laddr=127.0.0.1:${port} `;
        return list.split('\n').filter((line) => line.includes(plain)).length;
      }),
    );

  const nodes = (): { host: string; port: number }[] =>
    cluster.tlsPorts.map((port) => ({ host: '127.0.0.1', port }));

  test('steps, signals, children, forks, schedules and deletes, and nothing was refused', async () => {
    let login = { username: '', password: '' };
    for (const admin of admins) login = await allowUser(admin, 'locked');
    const redis = { nodes: nodes(), options: { redisOptions: { ...login, tls: { ca } } } };
    await using pawl = await Pawl.open({ redis, prefix: 'locked' });
    await keepSecrets(pawl);
    expect((await pawl.list({ workflow: 'keeper' })).runs.length).toBeGreaterThan(2);
    // The only one on each that does not use TLS is the one that asks.
    expect(await plainConnections()).toEqual([1, 1, 1]);
    const lines: string[] = [];
    for await (const line of pawl.export('kept')) lines.push(line);
    expect(await pawl.delete('kept')).toBe(true);
    expect(await pawl.import(lines)).toMatchObject({ runs: 1 });
    for (const admin of admins) expect(await refusedBy(admin)).toEqual([]);
  });

  test('a certificate that is not trusted is one clear error, at once', async () => {
    const redis = { nodes: nodes(), options: { redisOptions: { tls: {} } } };
    // Longer than the test may take: it ends only if nothing waits for an answer that cannot come.
    await expect(Pawl.open({ redis, connectMs: 600_000 })).rejects.toMatchObject({
      code: 'PAWL_REDIS_CONFIG',
      message: expect.stringMatching(/certificate|self.signed/i),
    });
  });

  test('another prefix is refused to the user, on whatever node it lives', async () => {
    let login = { username: '', password: '' };
    for (const admin of admins) login = await allowUser(admin, 'locked');
    const redis = { nodes: nodes(), options: { redisOptions: { ...login, tls: { ca } } } };
    await expect(Pawl.open({ redis, prefix: 'other' })).rejects.toMatchObject({
      code: 'PAWL_REDIS_CONFIG',
      message: expect.stringContaining('NOPERM'),
    });
  });
});
