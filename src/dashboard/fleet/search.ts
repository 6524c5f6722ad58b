/**
 * A search for runs, as the address of a page says it: so a search that was made once can be kept, sent and opened again.
 * Fields that nobody has filled in ask for nothing.
 */
import { InvalidError } from '../../core/errors.ts';
import { isEnded, type RunStatus, runStatuses } from '../../core/run.ts';
import type { SearchOptions } from '../../options.ts';
import { commandLine } from '../command-line.ts';

export type Asked = Readonly<Record<string, string>>;

/** What `status` may be beside one status, or several with commas in between. */
export const statusGroups: Readonly<Record<string, readonly RunStatus[]>> = {
  open: runStatuses.filter((status) => !isEnded(status)),
  dead: ['failed', 'quarantined'],
};

/** What `within` may be. */
const withins: Readonly<Record<string, { readonly ms: number; readonly name: string }>> = {
  '15m': { ms: 900_000, name: '15 minutes' },
  '1h': { ms: 3_600_000, name: 'hour' },
  '24h': { ms: 86_400_000, name: '24 hours' },
  '7d': { ms: 604_800_000, name: '7 days' },
};
export const withinChoices = Object.entries(withins).map(([value, { name }]) => [
  value,
  `the last ${name}`,
]);

/** The conditions, in the order in which a page asks for them. */
export const conditions = [
  'id',
  'status',
  'workflow',
  'within',
  'tag',
  'key',
  'worker',
  'waitsFor',
  'waitKey',
  'since',
  'until',
  'parent',
] as const;
export type Condition = (typeof conditions)[number];

/** As a sentence has them. */
export const conditionWords: Readonly<Record<Condition, string>> = {
  id: 'id begins with',
  status: 'status',
  workflow: 'workflow',
  within: 'created within',
  tag: 'tag',
  key: 'key',
  worker: 'held by',
  waitsFor: 'waits for',
  waitKey: 'with the key',
  since: 'created since',
  until: 'created before',
  parent: 'started by',
};

export interface Search {
  /** The conditions that were given, without the place in the list. */
  readonly given: Readonly<Partial<Record<Condition, string>>>;
  readonly options: SearchOptions;
  /** As the query of an address, without the place in the list; empty without a condition. */
  readonly query: string;
}

/** A status that there is not, with those that there are: a page offers them. */
export class StatusError extends InvalidError {
  constructor(given: string) {
    const choices = [...runStatuses, ...Object.keys(statusGroups)].join(', ');
    super('status', `${given} is not known. Choose one of ${choices}, or several with commas.`);
  }
}

/** @throws InvalidError that names the condition. */
export function readSearch(asked: Asked, now = Date.now()): Search {
  const pairs = conditions.flatMap((name) => {
    const value = (asked[name] ?? '').trim();
    return value === '' ? [] : [[name, value] as const];
  });
  const given = Object.fromEntries(pairs) as Search['given'];
  const { id, status, workflow, within, tag, key, worker, waitsFor, waitKey, parent } = given;
  const since = given.since === undefined ? sinceOf(within, now) : toTime(given.since, 'since');
  if (waitKey !== undefined && waitsFor === undefined) {
    throw new InvalidError('waitKey', 'goes with the name of a signal in waitsFor.');
  }
  return {
    given,
    query: new URLSearchParams(Object.fromEntries(pairs)).toString(),
    options: {
      ...(id === undefined ? {} : { idPrefix: id }),
      ...(status === undefined ? {} : { status: statusesIn(status) }),
      ...(workflow === undefined ? {} : { workflow }),
      ...(tag === undefined ? {} : { tag: toTag(tag) }),
      ...(key === undefined ? {} : { key }),
      ...(worker === undefined ? {} : { worker }),
      ...(waitsFor === undefined ? {} : { waitsFor }),
      ...(waitKey === undefined ? {} : { waitKey }),
      ...(parent === undefined ? {} : { parent }),
      ...(since === undefined ? {} : { since }),
      ...(given.until === undefined ? {} : { until: toTime(given.until, 'until') }),
    },
  };
}

function statusesIn(text: string): readonly RunStatus[] {
  const found = text.split(',').flatMap((one) => {
    const name = one.trim();
    const group = Object.hasOwn(statusGroups, name) ? statusGroups[name] : undefined;
    if (group !== undefined) return group;
    const status = runStatuses.find((known) => known === name);
    if (status === undefined) throw new StatusError(name);
    return status;
  });
  return [...new Set(found)];
}

function toTag(text: string): { readonly key: string; readonly value: string } {
  const split = /^([^=]+)=(.+)$/s.exec(text);
  if (split === null) throw new InvalidError('tag', 'must be written as key=value.');
  return { key: split[1] ?? '', value: split[2] ?? '' };
}

function sinceOf(within: string | undefined, now: number): Date | undefined {
  if (within === undefined) return undefined;
  const choice = Object.hasOwn(withins, within) ? withins[within] : undefined;
  if (choice !== undefined) return new Date(now - choice.ms);
  const choices = Object.keys(withins).join(', ');
  throw new InvalidError(
    'within',
    `${within} is not a known length of time. Choose one of ${choices}.`,
  );
}

/** Without a zone it is UTC, as the pages show times. */
function toTime(text: string, field: string): Date {
  const isShaped = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?(Z|[+-]\d{2}:\d{2})?$/;
  const hasZone = /(Z|[+-]\d{2}:\d{2})$/.test(text.slice(10));
  const hasClock = text.length > 10;
  const at = new Date(hasZone || !hasClock ? text : `${text.replace(' ', 'T')}Z`);
  if (isShaped.test(text) && !Number.isNaN(at.getTime())) return at;
  throw new InvalidError(field, 'must be a time such as 2026-11-27T22:00, which is UTC.');
}

/** The same for a shell; undefined where the command line has no such condition. */
export function searchCommand(words: readonly string[], search: Search): string | undefined {
  const { id, workflow, within, tag, key, worker, waitsFor, waitKey, parent } = search.given;
  if (waitKey !== undefined) return undefined;
  const { status, since, until } = search.options;
  const iso = (at: Date | number): string => new Date(at).toISOString();
  const from =
    within !== undefined && search.given.since === undefined
      ? within
      : since === undefined
        ? undefined
        : iso(since);
  const flags: readonly (readonly [string, string | readonly string[] | undefined])[] = [
    ['--status', status],
    ['--workflow', workflow],
    ['--tag', tag],
    ['--key', key],
    ['--worker', worker],
    ['--id-prefix', id],
    ['--parent', parent],
    ['--waiting-for', waitsFor],
    ['--since', from],
    ['--until', until === undefined ? undefined : iso(until)],
  ];
  const given = flags.flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, ...(typeof value === 'string' ? [value] : value)],
  );
  return commandLine(...words, ...given);
}
