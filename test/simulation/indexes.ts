/** Whether the indexes say what the records say. */
import type { Keyspace } from './redis/values.ts';

/** What is wrong, as sentences. */
export function indexProblems(keys: Keyspace, base: string): string[] {
  const runs = new Map<string, ReadonlyMap<string, string>>();
  for (const [key, value] of keys.values) {
    if (key.startsWith(`${base}run:`) && value.type === 'hash') {
      runs.set(key.slice(base.length + 'run:'.length), value.hash);
    }
  }
  return [
    ...runsProblems(keys, base, runs),
    ...strangers(keys, base, runs),
    ...holderProblems(keys, base, runs),
  ];
}

type Runs = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Runs that are missing in an index. */
function runsProblems(keys: Keyspace, base: string, runs: Runs): string[] {
  const problems: string[] = [];
  for (const [run, hash] of runs) {
    const names = [
      'runs',
      'ids',
      `by-status:${hash.get('status')}`,
      `by-workflow:${hash.get('workflow')}`,
    ];
    for (const index of (hash.get('waitsIn') ?? '').split('\n')) {
      if (index !== '') names.push(`by-wait:${index}`);
    }
    for (const name of names) {
      if (!keys.zset(base + name)?.scores.has(run))
        problems.push(`run ${run} is missing in ${name}`);
    }
  }
  return problems;
}

const named: ReadonlySet<string> = new Set(['runs', 'ids', 'due']);

/** Members of an index that do not belong there. */
function strangers(keys: Keyspace, base: string, runs: Runs): string[] {
  const problems: string[] = [];
  for (const [key, value] of keys.values) {
    const name = key.slice(base.length);
    const status = /^by-status:(.*)/.exec(name)?.[1];
    const wait = /^by-wait:(.*)/.exec(name)?.[1];
    const isJudged = status !== undefined || wait !== undefined || named.has(name);
    if (value.type !== 'zset' || !isJudged) continue;
    for (const run of value.zset.scores.keys()) {
      const hash = runs.get(run);
      if (hash === undefined) problems.push(`${name} has ${run}, which is not there`);
      else if (status !== undefined && hash.get('status') !== status) {
        problems.push(`${name} has ${run}, which is ${hash.get('status')}`);
      } else if (wait !== undefined && hash.get('waitsIn')?.split('\n').includes(wait) !== true) {
        problems.push(`${name} has ${run}, which waits for ${hash.get('waitsIn') ?? 'nothing'}`);
      } else if (name === 'due' && hash.get('status') === 'running') {
        problems.push(`${run} is due while a worker holds it`);
      }
    }
  }
  return problems;
}

/** Held runs that would not be found when their worker dies. */
function holderProblems(keys: Keyspace, base: string, runs: Runs): string[] {
  const problems: string[] = [];
  for (const [run, hash] of runs) {
    const parkedBy = / (.*)$/.exec(hash.get('parkedBy') ?? '')?.[1];
    if (parkedBy !== undefined) {
      const isKept = keys.set(`${base}parked:${parkedBy}`)?.has(run) === true;
      if (!isKept || keys.set(`${base}holders`)?.has(parkedBy) !== true) {
        problems.push(`${parkedBy} has parked run ${run}, and nobody would know if it died`);
      }
    }
    if (hash.get('status') !== 'running') continue;
    const worker = hash.get('worker') ?? '';
    const isHeld = keys.set(`${base}held:${worker}`)?.has(run) === true;
    if (!isHeld || keys.set(`${base}holders`)?.has(worker) !== true) {
      problems.push(`${worker} holds run ${run} and is not known to`);
    }
  }
  return problems;
}
