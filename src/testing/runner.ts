/**
 * What the suites need of a test runner, in the shape vitest has: pass `{ describe, test, expect, beforeAll, afterAll }`
 * of vitest, or of another runner with the same words.
 */
export interface Runner {
  /** Opens a group of tests. */
  readonly describe: (name: string, register: () => void) => void;
  /** Registers a test, or with `skip` one that is not to be run. */
  readonly test: {
    (name: string, body: () => Promise<void>): void;
    readonly skip: (name: string, body: () => Promise<void>) => void;
  };
  /** Makes the assertions about a value. */
  readonly expect: Expect;
  /** Registers what happens before the tests of a group. */
  readonly beforeAll: (body: () => Promise<void>) => void;
  /** Registers what happens after the tests of a group. */
  readonly afterAll: (body: () => Promise<void>) => void;
}

/** Starts an assertion about `actual`; `message` goes in front of the failure. */
export type Expect = (actual: unknown, message?: string) => Matchers;

/** The assertions the suites use. */
export interface Matchers {
  /** The same assertions, the other way round. */
  readonly not: Pick<Matchers, 'toBe' | 'toContain' | 'toEqual'>;
  /** The very same value, as `Object.is` says. */
  toBe(expected: unknown): void;
  /** A value of the same shape and content; fields that are undefined do not count. */
  toEqual(expected: unknown): void;
  /** An object that has at least these fields, with these values. */
  toMatchObject(expected: object): void;
  /** A list that has this member, or a text that has this part. */
  toContain(expected: unknown): void;
  /** A list or a text of this length. */
  toHaveLength(expected: number): void;
  /** A number above this one. */
  toBeGreaterThan(expected: number): void;
  /** A number that is this one or above it. */
  toBeGreaterThanOrEqual(expected: number): void;
  /** A number below this one. */
  toBeLessThan(expected: number): void;
  /** A number that is this one or below it. */
  toBeLessThanOrEqual(expected: number): void;
}

/** Tests an implementation does not pass, and why that is right. */
export interface Skip {
  /** Why these tests do not apply; shown beside them. */
  readonly reason: string;
  /** Names of tests; each must exist. */
  readonly tests: readonly string[];
}

/** Registers one test of a suite, which is given what the suite opened. */
export type Register<Subject> = (name: string, body: (subject: Subject) => Promise<void>) => void;

/** Tests about one theme. */
export interface Theme<Subject> {
  readonly name: string;
  readonly parts: readonly ((test: Register<Subject>) => void)[];
}

/** Opens once what all tests of a suite share; registers its tests, theme by theme, without those to skip. */
export function registerSuite<Subject>(
  suite: {
    readonly name: string;
    readonly themes: readonly Theme<Subject>[];
    readonly skip: readonly Skip[];
    open(): Promise<Subject>;
    close(subject: Subject): Promise<void>;
  },
  { describe, test, beforeAll, afterAll }: Runner,
): void {
  const skipped = readSkips(suite.skip);
  const themes = suite.themes.map(({ name, parts }) => ({ name, tests: collect(parts) }));
  checkNames(
    suite.name,
    themes.flatMap(({ tests }) => tests.map((one) => one.name)),
    skipped,
  );
  describe(suite.name, () => {
    let opened: Subject | undefined;
    beforeAll(async () => {
      opened = await suite.open();
    });
    afterAll(async () => {
      if (opened !== undefined) await suite.close(opened);
    });
    for (const theme of themes) {
      describe(theme.name, () => {
        for (const { name, body } of theme.tests) {
          const reason = skipped.get(name);
          const run = async (): Promise<void> => {
            if (opened === undefined) throw new Error(`${suite.name} was not opened`);
            await body(opened);
          };
          if (reason === undefined) test(name, run);
          else test.skip(`${name} (${reason})`, run);
        }
      });
    }
  });
}

interface Test<Subject> {
  readonly name: string;
  readonly body: (subject: Subject) => Promise<void>;
}

function collect<Subject>(parts: Theme<Subject>['parts']): readonly Test<Subject>[] {
  const tests: Test<Subject>[] = [];
  for (const part of parts) part((name, body) => tests.push({ name, body }));
  return tests;
}

/** A skip that names nothing hides a test that was renamed, or one that never was. */
function checkNames(
  suite: string,
  names: readonly string[],
  skipped: ReadonlyMap<string, string>,
): void {
  const known = new Set<string>();
  for (const name of names) {
    if (known.has(name)) throw new Error(`two tests of ${suite} are named "${name}"`);
    known.add(name);
  }
  const unknown = [...skipped.keys()].filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new Error(`${suite} skips tests that do not exist: ${unknown.join('; ')}`);
  }
}

/** Names of tests → the reason to skip them. */
function readSkips(skips: readonly Skip[]): ReadonlyMap<string, string> {
  for (const { reason, tests } of skips) {
    if (reason.trim() === '') throw new Error(`skipping "${tests.join('; ')}" needs a reason`);
  }
  return new Map(skips.flatMap(({ reason, tests }) => tests.map((name) => [name, reason])));
}
