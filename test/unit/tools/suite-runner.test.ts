import { describe, expect, test } from 'vitest';
import { registerSuite, type Runner, type Skip } from '../../../src/testing/runner.ts';

/** Registers two tests with a runner that only writes down what it is told. */
function register(skip: readonly Skip[], names: readonly string[] = ['one', 'two']) {
  const registered: string[] = [];
  const calls: (() => Promise<void>)[] = [];
  const bodies = new Map<string, () => Promise<void>>();
  const note = (name: string, body: () => Promise<void>): void => {
    registered.push(name);
    bodies.set(name, body);
  };
  const runner: Runner = {
    describe: (_name, inside) => inside(),
    test: Object.assign(note, {
      skip: (name: string) => {
        registered.push(`skipped: ${name}`);
      },
    }),
    expect,
    beforeAll: (body) => calls.unshift(body),
    afterAll: (body) => calls.push(body),
  };
  const seen: string[] = [];
  registerSuite(
    {
      name: 'a suite',
      themes: [
        {
          name: 'a theme',
          parts: [
            (add) => {
              for (const name of names) {
                add(name, async (subject) => {
                  seen.push(`${name} of ${subject}`);
                });
              }
            },
          ],
        },
      ],
      skip,
      open: async () => {
        seen.push('opened');
        return 'a store';
      },
      close: async (subject) => {
        seen.push(`closed ${subject}`);
      },
    },
    runner,
  );
  return { registered, seen, calls, bodies };
}

describe('a suite', () => {
  test('opens once, gives each test what it opened, and closes it', async () => {
    const { registered, seen, calls, bodies } = register([]);
    expect(registered).toEqual(['one', 'two']);
    await calls[0]?.();
    for (const body of bodies.values()) await body();
    await calls[1]?.();
    expect(seen).toEqual(['opened', 'one of a store', 'two of a store', 'closed a store']);
  });

  test('skips what it is told to, and shows the reason', () => {
    const { registered } = register([{ reason: 'it has no twos', tests: ['two'] }]);
    expect(registered).toEqual(['one', 'skipped: two (it has no twos)']);
  });

  test('refuses to skip without a reason, or what does not exist', () => {
    expect(() => register([{ reason: ' ', tests: ['two'] }])).toThrow(/needs a reason/);
    expect(() => register([{ reason: 'why', tests: ['three'] }])).toThrow(/do not exist: three/);
  });

  test('refuses two tests of one name: a skip would mean both', () => {
    expect(() => register([], ['one', 'one'])).toThrow(/two tests of a suite are named "one"/);
  });
});
