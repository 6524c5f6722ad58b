// Goal: whatever happens to connections, what clients of one store are told could have happened one call at a time, in an
// order that fits the clock. Method: clients behind proxies, seeded; replies are dropped, connections cut and killed; the
// histories are judged by the checker against a model of a run. To see that the judge sees, scripts are broken on purpose.
// PAWL_LIN_SEEDS=50 plays more of them.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { lua } from '../../src/redis/lua.gen.ts';
import { RedisRunStore } from '../../src/redis/run-store.ts';
import { startRedisServer, type RedisServer } from '../../src/testing/redis-server.ts';
import { EntangledError } from '../support/linearizability/checker.ts';
import { perform, type Performance, type Storm } from '../support/linearizability/performance.ts';
import { isThorough } from '../support/thorough.ts';

const seeds = Number(process.env['PAWL_LIN_SEEDS'] ?? 3);
/** How long a call may find no answer before its outcome counts as unknown: short, so that some do. */
const callMs = 400;

let server: RedisServer;
beforeAll(async () => {
  // Its own: killed clients must be nobody else's.
  server = await startRedisServer({ config: { appendonly: 'no' } });
});
afterAll(() => server.stop());
afterEach(() => {
  vi.doUnmock('../../src/redis/lua.gen.ts');
});

const opening =
  (Store: typeof RedisRunStore): Performance['openStore'] =>
  (redis, prefix) =>
    Store.open({ redis, prefix, callMs, connectMs: 10_000 });

test.each<Storm>(['none', 'lost replies and cuts', 'killed clients'])(
  'what clients are told has an order: %s',
  async (storm) => {
    const total = { answered: 0, unknown: 0, reconnects: 0 };
    for (let seed = 1; seed <= seeds; seed++) {
      const report = await perform({ server, openStore: opening(RedisRunStore), storm, seed });
      expect(report.problems, `seed ${seed}`).toEqual([]);
      total.answered += report.answered;
      total.unknown += report.unknown;
      total.reconnects += report.reconnects;
    }
    // A storm that touched nobody has shown nothing.
    expect(total.answered).toBeGreaterThan(seeds * 200);
    if (storm === 'none') expect(total).toMatchObject({ unknown: 0, reconnects: 0 });
    else expect(total.reconnects).toBeGreaterThan(seeds * 2);
  },
  (60 + seeds * 10) * 1000,
);

interface Bug {
  readonly what: string;
  readonly script: keyof typeof lua;
  /** A part of the script, and what stands there instead. */
  readonly replace: readonly [string, string];
  readonly storm: Storm;
}

const bugs: readonly Bug[] = [
  {
    what: 'an append does not check the fence',
    script: 'append',
    replace: ['if m[1] ~= fence or m[2] ~= owner then', 'if false then'],
    storm: 'none',
  },
  {
    what: 'a commit does not check the fence',
    script: 'commit',
    replace: ['if m[1] ~= fence or m[2] ~= owner then', 'if false then'],
    storm: 'none',
  },
  {
    what: 'an append that comes again is not recognised',
    script: 'append',
    replace: ['if m[4] == token then', 'if false then'],
    storm: 'lost replies and cuts',
  },
  {
    what: 'a commit that comes again is not recognised',
    script: 'commit',
    replace: ['if m[4] == token then', 'if false then'],
    storm: 'lost replies and cuts',
  },
  {
    what: 'a create that comes again is not recognised',
    script: 'create',
    replace: ["known == token and 'created' or 'exists'", "'exists'"],
    storm: 'lost replies and cuts',
  },
  {
    what: 'a claim that comes again is not recognised',
    script: 'claim',
    replace: ["if status == 'running' and owner == token then", 'if false then'],
    storm: 'lost replies and cuts',
  },
  {
    what: 'a claim does not raise the fence',
    script: 'claim',
    replace: ['math.max(fence + 1, micros)', 'fence'],
    storm: 'none',
  },
  {
    what: 'a run parks over a message',
    script: 'commit',
    replace: ["if how == 'parked' and redis.call('XLEN', inbox) > #entries then", 'if false then'],
    storm: 'none',
  },
  {
    what: 'a look does not see the leader',
    script: 'elect',
    replace: ['if leader and leader ~= id then', 'if false then'],
    storm: 'none',
  },
];

/** Chance decides which call a fault hits; this many histories together do not miss. */
const attempts = 60;

/** Two of them each time; `PAWL_THOROUGH=1` plants all. */
const planted = isThorough ? bugs : bugs.slice(0, 2);

test.each(planted)(
  'finds the bug: $what',
  async ({ script, replace: [part, instead], storm }) => {
    const source = lua[script];
    expect(source).toContain(part);
    vi.resetModules();
    vi.doMock('../../src/redis/lua.gen.ts', () => ({
      lua: { ...lua, [script]: source.replace(part, instead) },
    }));
    const { RedisRunStore: Broken } = await import('../../src/redis/run-store.ts');
    for (let seed = 1; seed <= attempts; seed++) {
      try {
        const { problems } = await perform({ server, openStore: opening(Broken), storm, seed });
        if (problems.length > 0) return;
      } catch (error) {
        // That no order fits is harder to see than one that does: another history will be clearer.
        if (!(error instanceof EntangledError)) throw error;
      }
    }
    expect.unreachable(`not found in ${attempts} histories`);
  },
  120_000,
);
