// Goal: Lua and TypeScript spell keys, and the fields of a run's hash, alike: a script that writes another name is never
// read. Method: the names that the scripts put together or hand to Redis are looked up in keys.ts and in fields.ts.
import { expect, test } from 'vitest';
import { runFields } from '../../src/redis/fields.ts';
import { Keys } from '../../src/redis/keys.ts';
import { sources } from './sources.ts';

const scripts = sources.filter(({ path }) => /^src\/redis\/lua\/.+\.lua$/.test(path));

/** Names that keys.ts spells after the base of a shard: whole ones, and those that an id follows. */
const shardNames = Object.values(new Keys('p', 1).shards[0] ?? {}).map((key: unknown) =>
  String(typeof key === 'function' ? Reflect.apply(key, undefined, ['', '', '']) : key).replace(
    '{p:0}:',
    '',
  ),
);

const isKnown = (name: string): boolean =>
  shardNames.some(
    (known) =>
      known === name ||
      (known.endsWith(':') && name.startsWith(known)) ||
      // An id follows, and something more of the same run.
      known === `${name}:`,
  );

function withoutComments(lua: string): string {
  return lua.replaceAll(/^\s*--.*$/gm, '').replaceAll(/\s--\s.*$/gm, '');
}

/** What a script builds as `base .. 'name'`. */
function keysIn(lua: string): string[] {
  return [...withoutComments(lua).matchAll(/\bbase \.\. '([^']*)'/g)].map(([, name]) => name ?? '');
}

/** The arguments of a call, from behind its opening bracket: brackets and texts inside of them are of one piece. */
function argumentsFrom(text: string): string[] {
  const found = [''];
  let depth = 0;
  let isText = false;
  for (const char of text) {
    if (char === "'") isText = !isText;
    if (!isText && char === ')' && depth === 0) break;
    if (!isText && /[([{]/.test(char)) depth += 1;
    if (!isText && /[)\]}]/.test(char)) depth -= 1;
    if (!isText && depth === 0 && char === ',') found.push('');
    else found[found.length - 1] += char;
  }
  return found.map((argument) => argument.trim());
}

/** Whether the place of an argument behind the key is that of a field. */
const isField: Readonly<Record<string, (place: number) => boolean>> = {
  HGET: (place) => place === 0,
  HEXISTS: (place) => place === 0,
  HINCRBY: (place) => place === 0,
  HSETNX: (place) => place === 0,
  HSET: (place) => place % 2 === 0,
  HMGET: () => true,
  HDEL: () => true,
};

/** Fields of a run's hash that a script names: the hash is called `run`, or built where it is used. */
function fieldsIn(lua: string): string[] {
  const text = withoutComments(lua);
  return [...text.matchAll(/redis\.p?call\('(H\w+)', /g)].flatMap((call) => {
    const [key = '', ...rest] = argumentsFrom(text.slice(call.index + call[0].length));
    if (key !== 'run' && !key.startsWith("base .. 'run:'")) return [];
    return rest
      .filter((_, place) => isField[call[1] ?? '']?.(place))
      .flatMap((argument) => /^'(\w+)'$/.exec(argument)?.[1] ?? []);
  });
}

test('every key that a script builds is one that keys.ts knows', () => {
  const built = scripts.flatMap(({ path, text }) => keysIn(text).map((name) => ({ path, name })));
  expect(built.length).toBeGreaterThan(60);
  expect(built.filter(({ name }) => !isKnown(name))).toEqual([]);
});

test('every field of a run that a script names is one that fields.ts knows', () => {
  const named = scripts.flatMap(({ path, text }) => fieldsIn(text).map((name) => ({ path, name })));
  expect(named.length).toBeGreaterThan(200);
  expect(named.filter(({ name }) => !runFields.includes(name as never))).toEqual([]);
});

test('every field of a run that fields.ts knows is one that some script names', () => {
  const all = scripts.map(({ text }) => text).join('\n');
  // A restored run is given its fields as arguments, so they may be named in TypeScript only.
  expect(runFields.filter((name) => !all.includes(`'${name}'`))).toEqual([]);
});

test('a wrong spelling is found', () => {
  const planted = `
-- base .. 'a-comment'
redis.call('ZADD', base .. 'by-statuss:' .. status, at, id)
redis.call('HSET', run, 'status', 'queued', 'changdAt', string.format('%.0f', now), 'fence', fence)
redis.call('HMGET', base .. 'run:' .. id, 'fence', 'ownr')
redis.call('HSET', snapshot, 'anything', 1)
`;
  expect(keysIn(planted).filter((name) => !isKnown(name))).toEqual(['by-statuss:']);
  const wrong = fieldsIn(planted).filter((name) => !runFields.includes(name as never));
  expect(wrong).toEqual(['changdAt', 'ownr']);
});
