import { describe, expect, test } from 'vitest';
import { lua } from '../../src/redis/lua.gen.ts';
import { sources } from './sources.ts';

const scriptLinesMax = 160;
const scripts = sources.filter(({ path }) => /^src\/redis\/lua\/[\w-]+\.lua$/.test(path));
/** What several scripts share: functions, and the sentences that say what they do. */
const parts = sources.filter(({ path }) => /^src\/redis\/lua\/parts\/[\w-]+\.lua$/.test(path));
const include = /^-- include (.+)\n/gm;

interface Header {
  readonly problems: string[];
  readonly keys: number;
  readonly args: number;
  /** The arguments go on after the last documented one. */
  readonly variadic: boolean;
  readonly body: string;
}

/**
 * Reads the header: `#!lua`, a sentence, why it must be atomic, KEYS and ARGV in order, what it returns, what it keeps.
 */
function readHeader(text: string): Header {
  const lines = text.split('\n');
  const end = lines.findIndex((line, i) => i > 0 && !line.startsWith('--'));
  const body = lines.slice(end).join('\n');
  const problems: string[] = [];
  if (!/^#!lua( flags=[a-z,-]+)?$/.test(lines[0] ?? '')) problems.push('starts without #!lua');
  const entries: string[] = [];
  for (const line of lines.slice(1, end)) {
    // Three blanks continue the line before.
    if (line.startsWith('--   ')) entries.push(`${entries.pop() ?? ''} ${line.slice(5)}`);
    else entries.push(line.slice(3));
  }
  const grammar: readonly (readonly [string, RegExp])[] = [
    ['a sentence that begins with a verb', /^(The owner's \w+: )?[A-Z].+\.$/],
    ['Atomic because …', /^Atomic because .+\.$/],
    ['KEYS[i] name: type', /^KEYS\[\d+\] \w+: .+$/],
    ['ARGV[i] name: unit', /^ARGV\[\d+\] (\w+: .+|.+ from here)$/],
    ['Returns …', /^Returns \S.+$/],
    ['Keeps: …', /^Keeps: .+\.$/],
  ];
  let place = 0;
  const seen = grammar.map(() => 0);
  for (const entry of entries) {
    // KEYS and ARGV may come many times; whatever comes is never of an earlier kind.
    const found = grammar.findIndex(([, pattern], i) => i >= place && pattern.test(entry));
    if (found === -1) problems.push(`does not expect "${entry}" here`);
    else {
      place = found === 2 || found === 3 ? found : found + 1;
      seen[found] = (seen[found] ?? 0) + 1;
    }
    const [, kind, index] = /^(KEYS|ARGV)\[(\d+)\]/.exec(entry) ?? [];
    if (kind !== undefined && Number(index) !== seen[kind === 'KEYS' ? 2 : 3]) {
      problems.push(`${kind}[${index}] is out of order`);
    }
  }
  for (const i of [0, 1, 2, 4, 5]) if (seen[i] === 0) problems.push(`lacks "${grammar[i]?.[0]}"`);
  const variadic = entries.some((entry) => /^ARGV\[\d+\] .*(from here|from ARGV\[)/.test(entry));
  return { problems, keys: seen[2] ?? 0, args: seen[3] ?? 0, variadic, body };
}

/** The numbers in `KEYS[n]`, or in `ARGV[n]` and `unpack(ARGV, n)`. */
function used(body: string, name: 'KEYS' | 'ARGV'): number[] {
  const single = new RegExp(`\\b${name}(?:\\[|, )(\\d+)`, 'g');
  const loop = new RegExp(`\\bfor \\w+ = (\\d+), #${name}\\b(?:, (\\d+))?`, 'g');
  // A group of arguments that is repeated is read from `next` on; the first group begins at 1.
  const group = new RegExp(`\\b${name}\\[next(?: \\+ (\\d+))?\\]`, 'g');
  const numbers = new Set([...body.matchAll(single)].map((match) => Number(match[1])));
  for (const [, from, step] of body.matchAll(loop)) {
    for (let i = 0; i < Number(step ?? 1); i++) numbers.add(Number(from) + i);
  }
  for (const [, offset] of body.matchAll(group)) numbers.add(Number(offset ?? 0) + 1);
  return [...numbers].sort((a, b) => a - b);
}

/** Local functions, each behind its sentences, and nothing that does something by itself. */
function problemsOfPart(text: string): string[] {
  const problems: string[] = [];
  if (!text.startsWith('-- ')) problems.push('does not say what it is');
  for (const [, before] of text.matchAll(/^(.*)\nlocal function \w+/gm)) {
    if (before?.startsWith('--') !== true) problems.push('has a function of which nothing is said');
  }
  if (/^(?!local function |end$|--|\s|$)/m.test(text)) problems.push('does something by itself');
  if (/\bKEYS\b/.test(text)) problems.push('takes keys that its caller did not give it');
  const lines = text.split('\n').length - 1;
  if (lines > scriptLinesMax) problems.push(`has ${lines} lines, at most ${scriptLinesMax}`);
  return problems;
}

/** A script as it is embedded. */
function whole(text: string): string {
  return text.replace(include, (_, part: string) => {
    const found = parts.find(({ path }) => path === `src/redis/lua/${part}`);
    if (found === undefined) throw new Error(`there is no ${part}`);
    return found.text;
  });
}

function problemsOf(text: string): string[] {
  const { problems, keys, args, variadic, body } = readHeader(text);
  const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  const compare = (name: 'KEYS' | 'ARGV', documented: number): void => {
    const uses = used(body, name).filter((n) => !variadic || name === 'KEYS' || n <= documented);
    if (String(uses) !== String(count(documented))) {
      problems.push(`documents ${name} 1–${documented}, uses ${uses.join(', ') || 'none'}`);
    }
  };
  compare('KEYS', keys);
  compare('ARGV', args);
  const lines = text.split('\n').length - 1;
  if (lines > scriptLinesMax) problems.push(`has ${lines} lines, at most ${scriptLinesMax}`);
  if (/\bos\.time\b|\bmath\.random\b/.test(body)) problems.push('has a clock or chance of its own');
  return problems;
}

const sample = `#!lua
-- Adds one.
-- Atomic because two might add at once,
--   or more.
-- KEYS[1] count: string
-- ARGV[1] step: how much
-- Returns {'added'}
-- Keeps: a count only grows.
redis.call('INCRBY', KEYS[1], ARGV[1])
`;

test('the grammar passes a good script', () => {
  expect(problemsOf(sample)).toEqual([]);
});

test.each([
  ['no shebang', sample.replace('#!lua\n', '')],
  ['no sentence', sample.replace('-- Adds one.\n', '')],
  ['no reason', sample.replace(/-- Atomic.*\n.*\n/, '')],
  ['a key that is not documented', sample.replace('KEYS[1], ', 'KEYS[1], KEYS[2], ')],
  ['an argument that is not used', sample.replace(', ARGV[1])', ', 1)')],
  ['an argument without a name', sample.replace('-- ARGV[1] step: how much', '-- ARGV[1]')],
  ['keys out of order', sample.replace('-- KEYS[1]', '-- KEYS[2]')],
  ['no reply', sample.replace(/-- Returns.*\n/, '')],
  ['no invariant', sample.replace(/-- Keeps.*\n/, '')],
  ['another clock', `${sample}local now = os.time()\n`],
  ['too many lines', sample + '\n'.repeat(scriptLinesMax)],
])('the grammar catches %s', (_name, text) => {
  expect(problemsOf(text)).not.toEqual([]);
});

const samplePart = `-- About counts.

-- Adds one.
local function add(count)
  return count + 1
end
`;

test('the grammar passes a good part', () => {
  expect(problemsOfPart(samplePart)).toEqual([]);
});

test.each([
  ['no word about it', samplePart.replace('-- About counts.\n\n-- Adds one.\n', '')],
  ['no word about a function', samplePart.replace('-- Adds one.\n', '')],
  ['a call', `${samplePart}redis.call('GET', 'x')\n`],
  ['keys of its own', samplePart.replace('count + 1', 'KEYS[1]')],
])('the grammar of parts catches %s', (_name, text) => {
  expect(problemsOfPart(text)).not.toEqual([]);
});

describe('scripts', () => {
  test('are looked at', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(8);
  });

  test.each(scripts.map(({ path, text }) => [path, text] as const))('%s', (_path, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  test.each(parts.map(({ path, text }) => [path, text] as const))('%s', (_path, text) => {
    expect(problemsOfPart(text)).toEqual([]);
  });

  test('use every part', () => {
    const included = new Set(
      scripts.flatMap(({ text }) => [...text.matchAll(include)].map(([, part]) => part)),
    );
    const all = parts.map(({ path }) => path.slice('src/redis/lua/'.length));
    expect(included).toEqual(new Set(all));
  });

  test('are embedded as they are', () => {
    const camelCase = (path: string): string =>
      path
        .slice('src/redis/lua/'.length, -'.lua'.length)
        .replace(/-\w/g, (s) => s.slice(1).toUpperCase());
    const expected = Object.fromEntries(
      scripts.map(({ path, text }) => [camelCase(path), whole(text)]),
    );
    expect({ ...lua }, 'run `node tools/embed-lua.mjs`').toEqual(expected);
  });
});
