// Goal: whatever is thrown becomes a small record, and what is made of it is the same now and after any number of resumes.
import { inspect, isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../../src/core/codec.ts';
import {
  canonicalError,
  errorBytesMax,
  messageOfThrown,
  recordError,
  reviveError,
  textOfThrown,
} from '../../../src/core/error-record.ts';
import {
  ConflictError,
  DefinitionError,
  type ErrorRecord,
  LimitError,
  PawlError,
  RunError,
  StepError,
} from '../../../src/core/errors.ts';
import { retryAfter, shouldRetry } from '../../../src/core/policy.ts';

const stored = (record: ErrorRecord): ErrorRecord =>
  decode(encode(record, 'record', Infinity), { key: 'test' }) as ErrorRecord;
/** As a later execution gets it. */
const later = (thrown: unknown): unknown => reviveError(stored(recordError(thrown)));

class Declined extends Error {
  override readonly name = 'Declined';
  readonly status: number;
  constructor(status: number) {
    super('declined');
    this.status = status;
  }
}
class Nameless extends TypeError {}
class Failure {
  readonly status = 503;
  readonly socket = new Map([[{}, () => 1]]);
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function withStack(stack: unknown): Error {
  return Object.defineProperty(new Error('x'), 'stack', { value: stack });
}

const cyclic: Error & { self?: unknown } = new Error('cycle');
cyclic.self = cyclic;
cyclic.cause = cyclic;

/** Everything people and libraries throw, and what nobody should. */
const things: Readonly<Record<string, () => unknown>> = {
  'an error of its own': () => new Declined(402),
  'a class without a name': () => new Nameless('n'),
  'an error with a cause': () => new Error('outer', { cause: new Declined(1) }),
  'a cause that is none': () => new Error('outer', { cause: { status: 402 } }),
  'several errors': () => new AggregateError([new Declined(1), 'text', undefined], 'all failed'),
  'an abort': () => AbortSignal.abort().reason,
  'a time-out': () => new DOMException('late', 'TimeoutError'),
  'an error of pawl': () => new StepError('PAWL_STEP_FAILED', { run: 'r', step: 's' }, 'm', 1),
  'a limit': () => new LimitError('x', 1, 2),
  'a conflict': () => new ConflictError('r', { expected: 1, actual: 2 }),
  'a plain object': () => ({ status: 402 }),
  undefined: () => undefined,
  null: () => null,
  'a text': () => 'text',
  'a number': () => 7,
  'a bigint': () => 2n ** 600n,
  'a symbol': () => Symbol('s'),
  'a function': () => () => 1,
  'an instance': () => new Failure(),
  'a list': () => [1, { a: 2 }],
  'a date': () => new Date(0),
  'no prototype': () => Object.create(null) as unknown,
  'an object with functions': () => ({ status: 1, retry: () => 1 }),
  'a message that is an object': () => Object.assign(new Error('x'), { message: { status: 400 } }),
  'a message that is undefined': () => Object.assign(new Error('x'), { message: undefined }),
  'a name that is a number': () => Object.assign(new Error('x'), { name: 7 }),
  'a stack that is null': () => withStack(null),
  'a stack that is a list': () => withStack([{ getFileName: () => 'x' }]),
  'a message that throws': () =>
    Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new TypeError('no');
      },
    }),
  'a field that throws': () =>
    Object.defineProperty(new Error('x'), 'field', {
      enumerable: true,
      get() {
        throw new TypeError('no');
      },
    }),
  'a revoked proxy': () => revoked(),
  'a cause that is a revoked proxy': () => new Error('x', { cause: revoked() }),
  'a proxy whose traps throw': () =>
    new Proxy(new Error('x'), {
      get() {
        throw new Error('get');
      },
      getPrototypeOf() {
        throw new Error('getPrototypeOf');
      },
    }),
  'a proxy that is its own prototype for ever': () => {
    const proxy: object = new Proxy({}, { getPrototypeOf: () => proxy });
    return proxy;
  },
  'a cycle': () => cyclic,
  'lone surrogates': () => Object.assign(new Error('\ud800'), { text: 'a\udc00' }),
  'a text cut inside of a character': () => new Error(`${'x'.repeat(1999)}😀`),
  'an error of another realm': () => runInNewContext('new RangeError("far")'),
  'fields of other kinds': () =>
    Object.assign(new Error('x'), {
      code: 14,
      at: new Date(1),
      bytes: Uint8Array.of(1),
      list: [1, undefined],
      big: 5n,
      map: new Map([['a', { b: 1 }]]),
      set: new Set([1]),
      zero: -0,
      gone: () => 1,
      original: new Declined(3),
      errors: [{ path: 'a' }],
    }),
};

describe('what comes back is the same now and later', () => {
  test.each(Object.entries(things))('%s', (_, make) => {
    const { record, error } = canonicalError(make());
    const again = reviveError(stored(record));
    expect(isDeepStrictEqual(stored(record), record)).toBe(true);
    expect(isDeepStrictEqual(again, error)).toBe(true);
    expect(Object.getOwnPropertyDescriptors(again ?? {})).toEqual(
      Object.getOwnPropertyDescriptors(error ?? {}),
    );
    // What was made of a record is recorded as that.
    expect(recordError(error)).toEqual(record);
    expect(record.message).toBeTypeOf('string');
    expect(inspect(error)).toBeTypeOf('string');
    expect(textOfThrown(make())).toBeTypeOf('string');
  });
});

describe('a handler can decide by it', () => {
  test('by name, own fields, cause and class', () => {
    const declined = later(new Declined(402)) as Declined;
    expect(declined).toMatchObject({ name: 'Declined', message: 'declined', status: 402 });
    expect(declined).toBeInstanceOf(Error);
    expect(declined.constructor.name).toBe('Declined');
    expect(declined.stack).toContain('error-record.test');
    const outer = later(new Error('outer', { cause: new Declined(1) })) as Error;
    expect(outer.cause).toMatchObject({ name: 'Declined', status: 1 });
    const nameless = later(new Nameless('n')) as Error;
    expect(nameless).toBeInstanceOf(TypeError);
    expect([nameless.name, nameless.constructor.name]).toEqual(['TypeError', 'Nameless']);
    expect(later(new RangeError('r'))).toBeInstanceOf(RangeError);
    expect(later(runInNewContext('new RangeError("far")'))).toBeInstanceOf(RangeError);
    expect(later(AbortSignal.abort().reason)).toMatchObject({ name: 'AbortError', code: 20 });
    expect(later(AbortSignal.abort().reason)).toBeInstanceOf(DOMException);
  });
  test('by the errors of several', () => {
    const all = later(new AggregateError([new Declined(1), 'text'], 'all')) as AggregateError;
    expect(all).toBeInstanceOf(AggregateError);
    expect(all.errors).toEqual([expect.objectContaining({ status: 1 }), 'text']);
    const issues = Object.assign(new Error('invalid'), { errors: [{ path: 'a' }] });
    expect(later(issues)).toMatchObject({ errors: [{ path: 'a' }] });
    const byField = Object.assign(new Error('invalid'), { errors: { a: { kind: 'required' } } });
    expect(later(byField)).toMatchObject({ errors: { a: { kind: 'required' } } });
  });
  test('by codes and fields of pawl’s own errors', () => {
    const step = later(new StepError('PAWL_STEP_FAILED', { run: 'r', step: 's' }, 'm'));
    expect(step).toBeInstanceOf(StepError);
    expect(step).toMatchObject({
      code: 'PAWL_STEP_FAILED',
      run: 'r',
      step: 's',
      name: 'StepError',
    });
    expect(PawlError.is(step)).toBe(true);
    expect(later(new LimitError('x', 1, 2))).toMatchObject({ limit: 1, actual: 2 });
    const cause = Object.assign(new TypeError('inner'), { code: 'E_INNER' });
    const run = later(new RunError('PAWL_RUN_FAILED', 'r', 'outer', { cause })) as RunError;
    expect(run).toMatchObject({ name: 'RunError', code: 'PAWL_RUN_FAILED', retryable: false });
    expect(run.cause).toMatchObject({ name: 'TypeError', message: 'inner', code: 'E_INNER' });
    // A class of the workflow that only has the name.
    const other = { StepError: class extends Error {} }.StepError;
    expect(later(new other('mine'))).not.toBeInstanceOf(StepError);
  });
  test('by what was thrown, when that is no error', () => {
    expect(later({ status: 402 })).toEqual({ status: 402 });
    expect(later('text')).toBe('text');
    expect(later(undefined)).toBeUndefined();
    expect(later(new Failure())).toMatchObject({ name: 'Failure', status: 503 });
    expect(messageOfThrown({ status: 402 })).toBe('{"status":402}');
    expect(messageOfThrown({ message: 'no' })).toBe('no');
    expect(textOfThrown(new TypeError('no'))).toBe('TypeError: no');
  });
  test('of a response, by what of it is plain', () => {
    const response = { status: 503, data: { reason: 'busy' }, request: new Failure() };
    const error = later(Object.assign(new Error('x'), { response, config: { f: () => 1 } }));
    expect(error).toMatchObject({ response: { status: 503, data: { reason: 'busy' } } });
    expect(error).not.toHaveProperty('response.request');
  });
});

test('errors in fields of an error are errors again, with their causes', () => {
  const reason = new TypeError('deep', { cause: new Declined(1) });
  const error = later(Object.assign(new Error('x'), { reason, status: 1 })) as {
    reason: Error;
    status: number;
  };
  expect(error.status).toBe(1);
  expect(error.reason).toBeInstanceOf(TypeError);
  expect(error.reason.cause).toMatchObject({ name: 'Declined', status: 1 });
});

test('a record says what of an error it does not have, and a record of that says it again', () => {
  const lines = Array.from({ length: 400 }, (_, i) => `line ${i}`);
  const error = Object.assign(new Error('x'), {
    body: new Failure(),
    retry: () => 1,
    lines,
    ok: 1,
  });
  const record = recordError(error);
  expect(record.fields).toMatchObject({ ok: 1 });
  expect(record.omitted?.toSorted()).toEqual(['body', 'lines', 'retry']);
  expect(recordError(reviveError(stored(record)))).toEqual(record);
  let chain = new Error('end');
  for (let i = 0; i < 20; i++) chain = new Error(`${i}`, { cause: chain });
  let last: ErrorRecord = recordError(chain);
  while (last.cause !== undefined) last = last.cause;
  expect(last.omitted).toEqual(['cause']);
  expect(recordError(new Error('whole', { cause: new Error('why') })).omitted).toBeUndefined();
});

test('whoever changes a revived error changes no record', () => {
  const record = recordError(Object.assign(new Error('x'), { list: [1] }));
  (reviveError(record) as { list: number[] }).list.push(2);
  expect(record.fields).toEqual({ list: [1] });
});

describe('a record is small, whatever is thrown', () => {
  const size = (thrown: unknown): number => encode(recordError(thrown), 'record', Infinity).length;
  const wide = (text: string): Error =>
    Object.assign(new Error(text.repeat(1e5), { cause: new Error(text.repeat(1e5)) }), {
      ...Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [text + String(i), text])),
      errors: Array.from({ length: 500 }, () => new Error(text.repeat(3000))),
    });
  test.each(['x', 'ä', '漢', '😀'])('of %s', (text) => {
    expect(size(wide(text))).toBeLessThanOrEqual(errorBytesMax);
  });
  test('a long chain, and a deep field', () => {
    let chain: Error = new Error('end');
    let deep: unknown = 1;
    for (let i = 0; i < 10_000; i++) {
      chain = new Error('漢'.repeat(700), { cause: chain });
      deep = { deep, list: [1, 2, 3] };
    }
    expect(size(Object.assign(chain, { deep }))).toBeLessThanOrEqual(errorBytesMax);
    expect(size({ deep })).toBeLessThanOrEqual(errorBytesMax);
  });
  test('anything', () => {
    const inner = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true });
    const thrown = fc.oneof(
      inner,
      fc
        .tuple(fc.string({ unit: 'binary' }), inner, fc.dictionary(fc.string(), inner))
        .map(([message, cause, fields]) => {
          const error = new Error(message, { cause });
          for (const [key, value] of Object.entries(fields)) {
            Object.defineProperty(error, key, { value, enumerable: true, configurable: true });
          }
          return error;
        }),
    );
    fc.assert(
      fc.property(thrown, (one) => {
        const record = recordError(one);
        const bytes = encode(record, 'record', Infinity);
        expect(bytes.length).toBeLessThanOrEqual(errorBytesMax);
        expect(encode(stored(record), 'record', Infinity)).toEqual(bytes);
        reviveError(record);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a retryIf', () => {
  test('decides by what is true of its answer', () => {
    expect(shouldRetry({}, 'x')).toBe(true);
    expect(shouldRetry({ retryIf: (error) => error === 'x' }, 'x')).toBe(true);
    expect(shouldRetry({ retryIf: () => undefined as unknown as boolean }, 'x')).toBe(false);
    expect(retryAfter({ attempts: 2 }, 1, 'x')).toEqual({ again: true, reason: 'x' });
    expect(retryAfter({ attempts: 2 }, 2, 'x')).toEqual({ again: false, reason: 'x' });
    expect(retryAfter({ attempts: 3, retryIf: () => false }, 1, 'x').again).toBe(false);
  });
  test('that throws is named, and so is what it was asked about', () => {
    const retryIf = (error: unknown): boolean =>
      (error as { response: { status: number } }).response.status >= 500;
    const asked = new TypeError('fetch failed');
    expect(() => shouldRetry({ retryIf }, asked)).toThrow(DefinitionError);
    expect(() => shouldRetry({ retryIf }, asked)).toThrow(/retryIf threw .*status.*fetch failed/);
    const { again, reason } = retryAfter({ attempts: 3, retryIf }, 1, asked);
    expect([again, reason]).toEqual([false, expect.objectContaining({ code: 'PAWL_DEFINITION' })]);
  });
  test('that answers with a promise is refused, and its failure ends nothing', async () => {
    const retryIf = (() => Promise.reject(new Error('late'))) as unknown as () => boolean;
    expect(() => shouldRetry({ retryIf }, 'x')).toThrow(/answered with a promise/);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  });
});
