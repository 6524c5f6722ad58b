/** What people type: values, times, tags, ids. */
import { text as readStream } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';
import { type Duration, toMilliseconds } from '../core/duration.ts';
import { RunError } from '../core/errors.ts';
import { fromTagged } from '../core/tagged-json.ts';
import type { RunDetails } from '../engine/runs/run-info.ts';
import { NotFoundError, UsageError } from './failures.ts';
import { parseJson, readText } from './settings.ts';
import type { Shell } from './shell.ts';

/** JSON as it stands, `@file`, or `-` for standard input; tagged where JSON cannot say it. */
export async function readValue(given: string, what: string): Promise<unknown> {
  const text =
    given === '-'
      ? await readStream(process.stdin)
      : given.startsWith('@')
        ? await readText(given.slice(1))
        : given;
  try {
    return fromTagged(parseJson(text, what));
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${what}: ${error.message}.`);
    throw error;
  }
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function toCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

export function toTags(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(given.map((one) => toTag(one)).map(({ key, value }) => [key, value]));
}

export function toTag(text: string): { readonly key: string; readonly value: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--tag ${text} must be key=value.`);
  return { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** `1h` ago, or a time as ISO 8601. */
export function toTime(text: string): Date {
  const time = /^[\d.]+[a-z]+$/.test(text)
    ? new Date(Date.now() - toMilliseconds(text as Duration, 'time'))
    : new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('It must be a time ago such as 1h, or an ISO 8601 time.');
}

const shown = 5;

/** The run of a whole id, of a beginning that only one id has, as tables show it too, or the newest (`@last`). */
export async function findRun(shell: Shell, shownId: string): Promise<RunDetails> {
  const pawl = await shell.pawl();
  const given = shownId.replace(/…$/, '');
  if (given === '@last') {
    const [newest] = (await pawl.list({ limit: 1 })).runs;
    if (newest !== undefined) return pawl.run(newest.id).info();
    throw new NotFoundError('There is no run yet. pawl runs start makes one.');
  }
  try {
    return await pawl.run(given).info();
  } catch (error) {
    if (!(error instanceof RunError) || error.code !== 'PAWL_RUN_NOT_FOUND') throw error;
    const { runs } = await pawl.list({ idPrefix: given, limit: shown + 1 });
    const [only] = runs;
    if (only === undefined) throw error;
    if (runs.length === 1) return await pawl.run(only.id).info();
    const ids = runs.slice(0, shown).map(({ id }) => `  ${id}`);
    const more = runs.length > shown ? ['  …'] : [];
    throw new UsageError([`${given} is the beginning of several ids:`, ...ids, ...more].join('\n'));
  }
}
