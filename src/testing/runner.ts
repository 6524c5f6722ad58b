/**
 * What the suites need of a test runner, in the shape vitest has: pass `{ describe, test, expect, beforeAll, afterAll }`
 * of vitest, or of another runner with the same words.
 */
export interface Runner {
  describe(name: string, register: () => void): void;
  readonly test: {
    (name: string, body: () => Promise<void>): void;
    skip(name: string, body: () => Promise<void>): void;
  };
  readonly expect: Expect;
  beforeAll(body: () => Promise<void>): void;
  afterAll(body: () => Promise<void>): void;
}

/** Starts an assertion about `actual`; `message` goes in front of the failure. */
export type Expect = (actual: unknown, message?: string) => Matchers;

/** The assertions the suites use. */
export interface Matchers {
  readonly not: Pick<Matchers, 'toBe' | 'toContain' | 'toEqual'>;
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toContain(expected: unknown): void;
  toHaveLength(expected: number): void;
  toBeGreaterThan(expected: number): void;
  toBeGreaterThanOrEqual(expected: number): void;
  toBeLessThan(expected: number): void;
  toBeLessThanOrEqual(expected: number): void;
}

/** Tests an implementation does not pass, and why that is right. */
export interface Skip {
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
  const names = new Set<string>();
  describe(suite.name, () => {
    let opened: Subject | undefined;
    beforeAll(async () => {
      opened = await suite.open();
    });
    afterAll(async () => {
      if (opened !== undefined) await suite.close(opened);
    });
    for (const theme of suite.themes) {
      describe(theme.name, () => {
        const register: Register<Subject> = (name, body) => {
          if (names.has(name)) throw new Error(`two tests of the suite are named "${name}"`);
          names.add(name);
          const reason = skipped.get(name);
          const run = async (): Promise<void> => {
            if (opened === undefined) throw new Error(`${suite.name} was not opened`);
            await body(opened);
          };
          if (reason === undefined) test(name, run);
          else test.skip(`${name} (${reason})`, run);
        };
        for (const part of theme.parts) part(register);
      });
    }
    // A skip that names nothing hides a test that was renamed, or one that was never meant.
    const unknown = [...skipped.keys()].filter((name) => !names.has(name));
    if (unknown.length > 0) {
      throw new Error(`${suite.name} skips tests that do not exist: ${unknown.join('; ')}`);
    }
  });
}

/** Names of tests → the reason to skip them. */
function readSkips(skips: readonly Skip[]): ReadonlyMap<string, string> {
  for (const { reason, tests } of skips) {
    if (reason.trim() === '') throw new Error(`skipping "${tests.join('; ')}" needs a reason`);
  }
  return new Map(skips.flatMap(({ reason, tests }) => tests.map((name) => [name, reason])));
}
