import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { InvalidError, type EncryptionOptions } from 'pawl';
import { crashTest, openInMemory } from 'pawl/testing';
import { decode, encode } from '../../../src/core/codec.ts';
import { Keyring } from '../../../src/encryption/keyring.ts';
import { EncryptedRunStore } from '../../../src/encryption/run-store.ts';
import { rounds, ticks } from '../../support/workflows.ts';
import { loser, secret } from '../../support/secret-workflow.ts';

const key = Buffer.from('an old key of thirty-two bytes!!');
const options: EncryptionOptions = { keys: { k: key }, current: 'k', required: true };
const place = { run: 'r', path: ['event', 1] };

test('a pawl in memory encrypts too', async () => {
  await using pawl = openInMemory({ encryption: options });
  const run = await pawl.start(ticks, { count: 3 }, { id: 'a' });
  pawl.worker({ workflows: [ticks] });
  expect(await run.result()).toEqual({ sum: 3 });
  expect(pawl.isEncrypted).toBe(true);
});

test.each([
  ['a workflow', ticks, { count: 4 }],
  ['a graph', rounds, { rounds: 2, paceMs: 0 }],
])('%s survives a crash at each point with encryption on', async (_, workflow, input) => {
  const keyring = new Keyring(options, 'p');
  const report = await crashTest(workflow as typeof ticks, input as { count: number }, {
    store: (store) => new EncryptedRunStore(store, keyring),
  });
  expect(report.crashes).toBeGreaterThan(5);
});

test.each([
  ['no keys', { keys: {}, current: 'k' }],
  ['an unknown current key', { keys: { k: key }, current: 'x' }],
  ['a current key from the prototype', { keys: { k: key }, current: 'toString' }],
  ['a short key', { keys: { k: key.subarray(1) }, current: 'k' }],
  ['short base64', { keys: { k: key.subarray(1).toString('base64') }, current: 'k' }],
  ['hex', { keys: { k: key.toString('hex') }, current: 'k' }],
  ['a bad id', { keys: { 'k k': key }, current: 'k k' }],
  ['a number', { keys: { k: 7 }, current: 'k' }],
  ['nothing', { current: 'k' }],
])('%s: refused, without a word of a key', (_, bad) => {
  const make = (): unknown => openInMemory({ encryption: bad as unknown as EncryptionOptions });
  expect(make).toThrow(InvalidError);
  try {
    make();
  } catch (error) {
    const shown = inspect(error, { depth: Infinity });
    expect(shown).not.toContain(key.toString('latin1').slice(0, 12));
    expect(shown).not.toContain(key.toString('base64').slice(0, 12));
    expect(shown).not.toContain(key.toString('hex').slice(0, 12));
  }
});

test('a key is not shown by what holds it', () => {
  const keyring = new Keyring(options, 'p');
  const pawl = openInMemory({ encryption: options });
  for (const holder of [keyring, pawl]) {
    const shown = `${inspect(holder, { depth: Infinity, showHidden: true })}${JSON.stringify(holder)}`;
    expect(shown).not.toContain('61 6e 20 6f 6c 64');
    expect(shown).not.toContain(key.toString('base64').slice(0, 12));
  }
});

test('any changed byte of a sealed value is noticed, and every cut', () => {
  const keyring = new Keyring(options, 'p');
  const sealed = keyring.seal(encode({ secret }, 'x', 1000), place);
  const read = (bytes: Uint8Array): unknown => decode(keyring.open(bytes, [place]), { key: 'x' });
  expect(read(sealed)).toEqual({ secret });
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed);
    changed[i] = (changed[i] ?? 0) ^ 1;
    expect(() => read(changed)).toThrow(/^run r, event 1 |is encrypted with key/);
    expect(() => read(sealed.subarray(0, i))).toThrow(
      expect.objectContaining({ code: 'PAWL_CORRUPT' }),
    );
  }
});

test('the same value is never sealed to the same bytes', () => {
  const keyring = new Keyring(options, 'p');
  const plain = encode('x', 'x', 10);
  const seen = new Set(
    Array.from({ length: 1_000 }, () => Buffer.from(keyring.seal(plain, place)).toString('hex')),
  );
  expect(seen.size).toBe(1_000);
});

test('what cannot be read is stored nowhere else', () => {
  const keyring = new Keyring(options, 'p');
  const other = new Keyring({ keys: { o: Buffer.alloc(32) }, current: 'o' }, 'p');
  const lost = other.open(keyring.seal(encode('x', 'x', 10), place), [place]);
  expect(() => encode({ payload: lost }, 'signal', 1000)).toThrow(
    expect.objectContaining({ code: 'PAWL_KEY_MISSING', keyId: 'k' }),
  );
});

test('a failed run tells its error to who has the key', async () => {
  await using pawl = openInMemory({ encryption: options });
  pawl.worker({ workflows: [loser] });
  const run = await pawl.start(loser, { text: secret });
  await expect(run.result()).rejects.toMatchObject({
    cause: expect.objectContaining({
      cause: expect.objectContaining({ message: `lost ${secret}` }),
    }),
  });
});
