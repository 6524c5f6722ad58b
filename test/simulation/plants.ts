/**
 * Bugs to plant, one at a time: a simulation that does not find them finds nothing. Most are changes of the scripts' text;
 * each must fit a script, so that a script that is rewritten does not quietly lose its planted bug.
 */
import type { RunStore } from '../../src/core/store.ts';
import { lua } from '../../src/redis/lua.gen.ts';
import type { Plant } from './simulation.ts';
import { withMethods } from '../support/with-methods.ts';

/** Replaces a passage in the scripts named. */
function inScripts(names: readonly (keyof typeof lua)[], passage: string, by: string): Plant {
  const sources = new Map<string, string>();
  for (const name of names) {
    const source = lua[name];
    // A passage that is there twice would leave the bug to chance.
    const times = source.split(passage).length - 1;
    if (times !== 1) throw new Error(`script ${name} has ${times} times the passage "${passage}"`);
    sources.set(source, source.replace(passage, by));
  }
  return { script: (source) => sources.get(source) ?? source };
}

/** The same bug where scripts say the same in other words. */
function together(...parts: readonly Plant[]): Plant {
  return { script: (source) => parts.reduce((text, { script }) => script?.(text) ?? text, source) };
}

/** The store as a sweeper sees it that never looks for runs held by workers nobody knows. */
function withoutOrphans(store: RunStore): RunStore {
  const fleet = withMethods(store.fleet, { holders: async () => [] });
  return withMethods(store, { fleet });
}

export const plants: Readonly<Record<string, Plant>> = {
  'a commit does not check the fence': together(
    inScripts(['commit'], 'if m[1] ~= fence or m[2] ~= owner then', 'if false then'),
    inScripts(['append'], 'm[1] ~= fence or m[2] ~= owner or', ''),
  ),
  'a repeated commit is not recognised': together(
    inScripts(['commit'], 'm[4] == token then', 'false then'),
    inScripts(['append'], "redis.call('HGET', run, 'token') == token then", 'false then'),
  ),
  'a new run is not due': inScripts(['create'], "redis.call('ZADD', due, dueAt, id)", ''),
  'an interrupted run is not due': inScripts(
    ['interrupt'],
    "redis.call('ZADD', due, string.format('%.0f', now + resend), id)",
    '',
  ),
  'an interrupt leaves the fence as it was': inScripts(
    ['interrupt'],
    "string.format('%.0f', math.max(m[2] + 1, micros))",
    'm[2]',
  ),
  'a claim counts its fence on without looking at the clock': inScripts(
    ['claim'],
    'math.max(fence + 1, micros)',
    'fence + 1',
  ),
  'a claim does not note who holds the run': inScripts(
    ['claim'],
    "redis.call('SADD', held, id)",
    '',
  ),
  'a message for a waiting run does not make it due': inScripts(
    ['post'],
    "redis.call('ZADD', due, at, id)",
    '',
  ),
  'a message does not wake the run that waits for it': inScripts(
    ['post'],
    'isWanted(m[5] or nil, kind, name, key)',
    'false',
  ),
  'a claimed run stays in the index of those that wait': inScripts(
    ['claim'],
    "string.gmatch(m[17] or '', '[^\\n]+')",
    "string.gmatch('', '.')",
  ),
  'a run parks over a message it has not read': inScripts(
    ['commit'],
    "if redis.call('XLEN', inbox) > #entries then return {'unread'} end",
    '',
  ),
  'a commit does not look at the seq it follows': inScripts(
    ['append'],
    'm[3] ~= expected then',
    "redis.call('HGET', run, 'token') == token then",
  ),
  'a released run stays in the index of running ones': inScripts(
    ['commit'],
    "redis.call('ZREM', base .. 'by-status:running', id)",
    '',
  ),
  'a compaction drops more than the snapshot covers': inScripts(
    ['compact'],
    'math.min(covered, m[1] - 1)',
    'm[1] - 1',
  ),
  'a compaction does not say where the log begins': inScripts(
    ['compact'],
    "'firstSeq', from, ",
    '',
  ),
  'a worker does not look for runs it has forgotten': { forForgotten: () => undefined },
  'a sweeper does not look for orphans': { forSweeper: withoutOrphans },
};
