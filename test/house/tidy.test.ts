import { describe, expect, test } from 'vitest';
import { redisImage } from '../../src/testing/redis-docker.ts';
import { floorProblems, importsOf, rules } from './rules.ts';
import { source } from './sources.ts';

describe.each(rules.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
  test('catches the planted sample and passes the clean one', () => {
    expect(rule.problems(rule.planted)).not.toEqual([]);
    expect(rule.problems(rule.clean)).toEqual([]);
  });

  test('holds', () => {
    const files = rule.files();
    expect(files.length, 'files looked at').toBeGreaterThanOrEqual(rule.filesMin);
    const problems = files.flatMap((file) =>
      rule.problems(file).map((problem) => `${file.path} ${problem}`),
    );
    expect(problems).toEqual([]);
  });
});

test.each([
  ['definition/workflow.ts', '../replay.ts', false],
  ['replay.ts', './definition/workflow.ts', true],
  ['replay.ts', './runs/start.ts', false],
  ['runs/start.ts', '../payloads.ts', true],
  ['runs/start.ts', '../execution/steps.ts', false],
  ['execution/steps.ts', './log-writer.ts', true],
  ['execution/steps.ts', '../worker/session.ts', false],
  ['graph/graph-run.ts', '../execution/writes.ts', true],
  ['graph/graph-run.ts', '../worker/session.ts', false],
  ['worker/worker.ts', '../graph/graph.ts', false],
  ['transfer/exports.ts', '../execution/steps.ts', false],
  ['upkeep/retention.ts', '../transfer/exports.ts', true],
  ['loop/loop-state.ts', '../transfer/exports.ts', false],
  ['cellar/wine.ts', '../payloads.ts', false],
])('the rooms of the engine are in order: %s, %s: %s', (path, name, isFine) => {
  const problems = floorProblems({ path: `src/engine/${path}`, text: `import '${name}';` });
  expect(problems).toHaveLength(isFine ? 0 : 1);
});

test('every form of import is seen', () => {
  const text = [
    "import a from 'a';",
    "import 'b';",
    "import type { C } from 'c';",
    "export { d } from 'd';",
    "const e = await import('e');",
    "type F = import('f').F;",
    "import {\n  g,\n} from 'g';",
    "// import h from 'h';",
  ].join('\n');
  expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

test('docker-compose.yml and the tests use the same image', () => {
  expect(source('docker-compose.yml').text).toContain(`image: ${redisImage}\n`);
});
