// Goal: with encryption on, a secret is nowhere in Redis and a moved value is noticed. Method: a private server whose
// append-only file holds every write there ever was, and raw commands that swap what is stored.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { durable, type EncryptionOptions, Pawl } from 'pawl';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { keeper, keepSecrets, secret, secretWorkflows } from '../support/secret-workflow.ts';
import { newPrefix } from '../support/workers.ts';

let server: RedisServer;
let redis: Redis;
const closers: (() => Promise<unknown>)[] = [];
const oldKey = Buffer.alloc(32, 1).toString('base64');
const newKey = Buffer.alloc(32, 2);
const encryption: EncryptionOptions = { keys: { old: oldKey }, current: 'old', required: true };

beforeAll(async () => {
  server = await startRedisServer({ config: { appendfsync: 'always' } });
  redis = new Redis(server.url);
});

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function open(prefix: string, options?: EncryptionOptions): Promise<Pawl> {
  const encrypted = options === undefined ? {} : { encryption: options };
  const pawl = await Pawl.open({ redis: server.url, prefix, ...encrypted });
  closers.push(() => pawl.close({ graceMs: 0 }));
  return pawl;
}

/** Every write of the server from its start, as bytes; the text of base64 is unwrapped on the way. */
async function everyWrite(): Promise<string> {
  const folder = join(server.dir, 'appendonlydir');
  const files = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')),
  );
  const text = files.join('\n');
  const unwrapped = [...text.matchAll(/[A-Za-z0-9+/]{24,}={0,2}/g)].map(([base64]) =>
    Buffer.from(base64, 'base64').toString('latin1'),
  );
  return [text, ...unwrapped].join('\n');
}

test('a secret that is in everything a run stores is nowhere in Redis, nor in its append-only file', async () => {
  const pawl = await open('dark', encryption);
  const run = await keepSecrets(pawl);
  expect(await run.result()).toMatchObject({ step: `step ${secret}`, told: `signal ${secret}` });
  expect((await run.info()).progress).toMatchObject({ message: `progress ${secret}` });
  expect((await pawl.run('lost').info()).error?.message).toContain(secret);
  await pawl.close();
  const dark = await everyWrite();
  expect(dark).toContain('{dark:0}:run:kept');
  expect(dark.includes(secret)).toBe(false);

  // The same runs without encryption, so that the search is known to find what is there.
  const clear = await open('clear');
  await keepSecrets(clear);
  await clear.close();
  const found = (await everyWrite()).slice(dark.length - 1_000).split(secret).length - 1;
  expect(found).toBeGreaterThan(25);
});

describe('what is moved by hand is noticed, and the run is quarantined', () => {
  /** A run that waits for its signal, with events and a snapshot; its worker is gone. */
  async function waiting(prefix: string, id: string): Promise<Pawl> {
    const pawl = await open(prefix, encryption);
    const worker = pawl.worker({ workflows: secretWorkflows });
    await worker.ready();
    const run = await pawl.start(keeper, { text: `${secret} ${id}` }, { id });
    await expect.poll(async () => (await run.info()).status, { timeout: 20_000 }).toBe('waiting');
    await worker.close();
    return pawl;
  }

  async function quarantinedBy(pawl: Pawl, id: string, problem: RegExp): Promise<void> {
    const run = pawl.run(keeper, id);
    await run.signal('told', { text: 'go' });
    pawl.worker({ workflows: secretWorkflows });
    await expect.poll(async () => (await run.info()).status).toBe('quarantined');
    const { error } = await run.info();
    expect(error).toMatchObject({ code: 'PAWL_CORRUPT' });
    expect(error?.message).toMatch(problem);
  }

  /** The entries of a stream, as raw bytes: id, then names and values in turn. */
  type Entry = [Buffer, Buffer[]];
  const entries = (key: string): Promise<Entry[]> => redis.xrangeBuffer(key, '-', '+');

  /** Writes a stream anew with other entries. */
  async function rewrite(key: string, changed: readonly Entry[]): Promise<void> {
    await redis.del(key);
    for (const [id, fields] of changed) await redis.call('XADD', key, id, ...fields);
  }

  const dataOf = ([, fields]: Entry): number =>
    fields.findIndex((field, i) => i % 2 === 0 && String(field) === 'data') + 1;

  async function swapEvents(key: string, from: string, to: string): Promise<void> {
    const all = await entries(key);
    const find = (type: string): Entry => {
      const entry = all.find(([, fields]) => String(fields[1]) === type);
      if (entry === undefined) throw new Error(`no ${type}`);
      return entry;
    };
    const [one, two] = [find(from), all.findLast(([, fields]) => String(fields[1]) === to)];
    if (two === undefined) throw new Error(`no ${to}`);
    const [a, b] = [one[1][dataOf(one)], two[1][dataOf(two)]];
    one[1][dataOf(one)] = b as Buffer;
    two[1][dataOf(two)] = a as Buffer;
    await rewrite(key, all);
  }

  test('the data of two events of one type', async () => {
    const prefix = newPrefix();
    const pawl = await waiting(prefix, 'a');
    const base = `{${prefix}:0}:`;
    // Without a snapshot the whole log is replayed.
    await redis.del(`${base}snapshot:a`);
    await redis.hdel(`${base}run:a`, 'snapshotSeq', 'version');
    await swapEvents(`${base}events:a`, 'step.completed', 'step.completed');
    await quarantinedBy(pawl, 'a', /run a, event \d+ .* does not open with key old/);
    const reading = async (): Promise<void> => {
      for await (const event of pawl.run('a').events()) expect(event.seq).toBeGreaterThan(0);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'PAWL_CORRUPT' });
  });

  test('two fields of a snapshot', async () => {
    const prefix = newPrefix();
    const pawl = await waiting(prefix, 'b');
    const key = `{${prefix}:0}:snapshot:b`;
    const [last, texts] = await redis.hmgetBuffer(key, 'state:last', 'state:texts');
    await redis.hset(key, { 'state:last': texts as Buffer, 'state:texts': last as Buffer });
    await expect(pawl.run(keeper, 'b').state()).rejects.toMatchObject({ code: 'PAWL_CORRUPT' });
    await quarantinedBy(pawl, 'b', /run b, snapshot state:/);
  });

  test('an input, an event and a message of another run', async () => {
    const prefix = newPrefix();
    const pawl = await waiting(prefix, 'c');
    const other = await waiting(prefix, 'd');
    const base = `{${prefix}:0}:`;
    const input = await redis.hgetBuffer(`${base}payload:d`, 'input');
    const own = await redis.hgetBuffer(`${base}payload:c`, 'input');
    await redis.hset(`${base}payload:c`, 'input', input as Buffer);
    await quarantinedBy(pawl, 'c', /run c, input does not open/);
    // Put right, it goes on.
    await redis.hset(`${base}payload:c`, 'input', own as Buffer);
    await pawl.run('c').resume();
    expect(await pawl.run('c').result({ timeoutMs: 20_000 })).toMatchObject({ told: 'go' });

    await other.run(keeper, 'd').pause();
    await other.run(keeper, 'd').signal('told', { text: 'kept back' });
    const [message] = await entries(`${base}inbox:d`);
    const [, fields] = message as Entry;
    fields[dataOf(message as Entry)] = Buffer.from([1, 0xa1, 0x61]);
    await rewrite(`${base}inbox:d`, [message as Entry]);
    await other.run(keeper, 'd').resume();
    await expect
      .poll(async () => (await other.run('d').info()).error?.message, { timeout: 10_000 })
      .toMatch(/run d, message signal .* is not encrypted, and encryption is required/);
    expect((await other.run('d').info()).status).toBe('quarantined');
  });

  test('a whole run under another prefix', async () => {
    const prefix = newPrefix();
    await waiting(prefix, 'e');
    const copy = newPrefix();
    const pawl = await open(copy, encryption);
    for (const kind of ['run', 'payload', 'events', 'snapshot']) {
      await redis.copy(`{${prefix}:0}:${kind}:e`, `{${copy}:0}:${kind}:e`);
    }
    await expect(pawl.run(keeper, 'e').state()).rejects.toMatchObject({ code: 'PAWL_CORRUPT' });
  });
});

test('keys rotate: old values stay readable, new ones take the new key; a lost key is named', async () => {
  const prefix = newPrefix();
  const before = await open(prefix, encryption);
  await keepSecrets(before);
  await before.close();

  const both = { keys: { old: oldKey, new: newKey }, current: 'new', required: true };
  const after = await open(prefix, both);
  expect(await after.run('kept').result()).toMatchObject({ step: `step ${secret}` });
  after.worker({ workflows: secretWorkflows });
  const next = await after.start(keeper, { text: secret }, { id: 'next' });
  await next.signal('told', { text: secret });
  await next.result({ timeoutMs: 20_000 });
  await after.close();

  const lost = await open(prefix, { keys: { new: newKey }, current: 'new' });
  expect(await lost.run('next').result()).toMatchObject({ told: secret });
  await expect(lost.run('kept').result()).rejects.toMatchObject({
    code: 'PAWL_KEY_MISSING',
    keyId: 'old',
    place: 'run kept, output',
  });
  // One run that cannot be read does not hide the others.
  const { runs } = await lost.list();
  expect(runs.find(({ id }) => id === 'lost')?.error).toMatchObject({ code: 'PAWL_KEY_MISSING' });
  const none = await open(prefix);
  await expect(none.run('kept').result()).rejects.toMatchObject({ code: 'PAWL_KEY_MISSING' });
});

test('a worker without the key sets a run aside; with the key it goes on', async () => {
  const prefix = newPrefix();
  const owner = await open(prefix, encryption);
  const run = await owner.start(keeper, { text: secret }, { id: 'r' });
  const stranger = await open(prefix, { keys: { new: newKey }, current: 'new' });
  const worker = stranger.worker({ workflows: secretWorkflows });
  await expect.poll(async () => (await run.info()).status).toBe('quarantined');
  await worker.close();
  expect((await stranger.run('r').info()).error).toMatchObject({ code: 'PAWL_KEY_MISSING' });
  const both = await open(prefix, { keys: { old: oldKey, new: newKey }, current: 'old' });
  both.worker({ workflows: secretWorkflows });
  await both.run('r').resume();
  await both.run(keeper, 'r').signal('told', { text: 'x' });
  expect(await both.run('r').result({ timeoutMs: 20_000 })).toMatchObject({ told: 'x' });
});

test('what was stored in clear stays readable, unless encryption is required', async () => {
  const prefix = newPrefix();
  const clear = await open(prefix);
  await keepSecrets(clear);
  await clear.close();
  const { keys, current } = encryption;
  const lenient = await open(prefix, { keys, current });
  expect(await lenient.run('kept').result()).toMatchObject({ step: `step ${secret}` });
  expect((await lenient.run('kept').info()).progress?.message).toContain(secret);
  const strict = await open(prefix, encryption);
  await expect(strict.run('kept').result()).rejects.toMatchObject({
    code: 'PAWL_CORRUPT',
    message: expect.stringContaining('is not encrypted'),
  });
});

test('a durable BullMQ job is refused, because BullMQ keeps it in clear, unless that is accepted', async () => {
  const pawl = await open(newPrefix(), encryption);
  const handler = async (): Promise<void> => undefined;
  expect(() => durable(pawl, { name: 'video' }, handler)).toThrow(
    expect.objectContaining({ code: 'PAWL_DEFINITION' }),
  );
  expect(typeof durable(pawl, { name: 'video', allowClearJobs: true }, handler)).toBe('function');
});
