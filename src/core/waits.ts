/**
 * What a parked run waits for, as data: it is stored with the run, shown to people, and found by an index. Only what is
 * waited for wakes the run, and a cancel.
 */
import type { Message } from './message.ts';

/** What a message is compared with a wait by. */
type Letter = Pick<Message, 'kind' | 'name' | 'key'>;

export const waitKinds = [
  'timer',
  'signal',
  'child',
  'retry',
  'delay',
  'decision',
  'undo',
] as const;

/**
 * What a run can wait for. `retry` is a pause between attempts, `delay` the time before a start. A person decides about a
 * `decision`, an effect in doubt, and about an `undo` that has failed.
 */
export type WaitKind = (typeof waitKinds)[number];

/** One thing a parked run waits for. */
export interface Wait {
  /** What ends the wait: a time, a signal, the end of a child, or a person's decision. */
  readonly kind: WaitKind;
  /** Of the wait, or of the step; empty for a delayed start. */
  readonly name: string;
  /** Names of the signals that end it, the id of the child, or what is to be decided about: an effect, or an undo. */
  readonly on?: readonly string[];
  /** Only signals with this key end it; absent: with any, or none. */
  readonly key?: string;
  /** A signal that was sent without a key may have it in its payload, which only the owner reads. */
  readonly readsKey?: true;
  /** What it is about, in words for the person who answers; sealed where payloads are. */
  readonly label?: string;
  /** What that person fills in, as JSON: see `WaitOptions.form`; sealed where payloads are. */
  readonly form?: string;
  /** When it ends by itself, in milliseconds on the store's clock. */
  readonly until?: number;
  /** When it began, on the same clock. */
  readonly since: number;
}

/** Waits that are kept of one run, and names by which it can be found; of a run with more, not all are shown. */
export const waitsKept = 100;

/** Stands for every message: of so many waits not each can be told apart, and of none nothing is known. */
const anything = '*';

/** The name of the signal by which a decision about an effect arrives. */
export function decisionSignal(effect: string): string {
  return `effect ${effect}`;
}

/** True for what ends when a person decides: `run.decide`. */
export function isDecided(kind: WaitKind): boolean {
  return kind === 'decision' || kind === 'undo';
}

/** Whether a message ends one of these waits, or may do so. A run that says of nothing that it waits for it wants all. */
export function wants(waits: readonly Wait[], { kind, name, key = '' }: Letter): boolean {
  if (kind === 'cancel') return true;
  const wanted = wantedBy(waits);
  const lines = [anything, `${kind}:${name}`, `${kind}:${keyed(name, key)}`];
  return lines.some((line) => wanted.includes(line));
}

/** A signal and its key, or the empty one; the sign between them is in no name of a signal. */
function keyed(name: string, key: string): string {
  return `${name}#${key}`;
}

/**
 * The messages that are wanted: each as `<kind>:<name>`, those with a key as `<kind>:<name>#<key>`, or `*` for all of them.
 */
export function wantedBy(waits: readonly Wait[]): readonly string[] {
  const wanted = waits.flatMap(({ kind, on = [], key, readsKey }) => {
    if (kind === 'signal') {
      if (key === undefined) return on.map((name) => `signal:${name}`);
      const keys = readsKey === true ? [key, ''] : [key];
      return on.flatMap((name) => keys.map((one) => `signal:${keyed(name, one)}`));
    }
    if (kind === 'child') return on.map((run) => `child:${run}`);
    return isDecided(kind) ? on.map((effect) => `signal:${decisionSignal(effect)}`) : [];
  });
  const areFew = waits.length > 0 && waits.length < waitsKept && wanted.length <= waitsKept;
  return areFew ? [...new Set(wanted)] : [anything];
}

/** Whether each wait is known, so that a message which none of them names is not wanted. */
export function isClear(waits: readonly Wait[]): boolean {
  return !wantedBy(waits).includes(anything);
}

/** Whether a question wakes a run that waits so: not before its start, nor before another attempt of the whole run. */
export function wantsQuestions(waits: readonly Wait[]): boolean {
  return !waits.some(({ kind, name }) => kind === 'delay' || (kind === 'retry' && name === ''));
}

/** Stands among the wanted messages of a run that a question wakes. */
export const questionLine = 'ask:';

/**
 * What of a run may be answered, for stores that keep text: a line `answer:<signal>⇥<wait>⇥<until>` for each signal of each
 * wait, with nothing behind the last tab where it does not end by itself. None where not each wait is known.
 */
export function answerLines(waits: readonly Wait[]): readonly string[] {
  if (!isClear(waits)) return [];
  return waits.flatMap(({ kind, name, on = [], until }) =>
    kind === 'signal' ? on.map((signal) => `answer:${signal}\t${name}\t${until ?? ''}`) : [],
  );
}

/** Whether an answer to a wait, by this signal, can still end it; also where not each wait is known. */
export function isAnswerable(
  waits: readonly Wait[],
  answer: { readonly wait: string; readonly signal: string },
  now: number,
): boolean {
  if (!isClear(waits)) return true;
  return waits.some(
    ({ kind, name, on = [], until = Infinity }) =>
      kind === 'signal' && name === answer.wait && on.includes(answer.signal) && until > now,
  );
}

/** The indexes that a run with these waits stands in: for each kind, for each signal, and for each with its key. */
export function indexedBy(waits: readonly Wait[]): readonly string[] {
  const kept = waits.slice(0, waitsKept);
  const signals = kept.flatMap(({ kind, on = [], key }) => {
    if (kind === 'signal') {
      return key === undefined ? on : on.flatMap((name) => [name, keyed(name, key)]);
    }
    return isDecided(kind) ? on.map(decisionSignal) : [];
  });
  const kinds = kept.map(({ kind }) => kind);
  const names = signals.slice(0, waitsKept).map((name) => `signal:${name}`);
  return [...new Set([...kinds, ...names])];
}

/** The index that a list asks: `kind:timer` is a kind, all else the name of a signal, perhaps with a key. */
export function waitIndex(waitsFor: string, key?: string): string {
  const kind = /^kind:(\w+)$/.exec(waitsFor)?.[1];
  if (waitKinds.some((one) => one === kind)) return `${kind}`;
  return `signal:${key === undefined ? waitsFor : keyed(waitsFor, key)}`;
}

/** What is waited for, in words. */
export function waitText({
  kind,
  name,
  on = [],
  key,
}: Pick<Wait, 'kind' | 'name' | 'on' | 'key'>): string {
  switch (kind) {
    case 'timer':
      return `time to pass (${name})`;
    case 'signal':
      return `signal ${on.join(', ')}${key === undefined ? '' : ` with key ${key}`}`;
    case 'child':
      return `child run ${on.join(', ')}`;
    case 'retry':
      return name === '' ? 'another attempt' : `another attempt of ${name}`;
    case 'delay':
      return 'its start';
    case 'undo':
      return `a person, because this has failed: ${on.join(', ')}`;
    case 'decision':
      return `a decision about ${on.join(', ')}`;
  }
}

/** The greatest time that a Date can hold. */
const timeMax = 8.64e15;
/** Names are made of names, one within the other. */
const textLength = 10_000;

/** What came from outside of this process. @throws TypeError when it is no list of waits. */
export function readWaits(value: unknown): readonly Wait[] {
  if (Array.isArray(value) && value.every(isWait)) return value;
  throw new TypeError('is no list of waits');
}

function isWait(value: unknown): value is Wait {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, name, on, key, readsKey, label, form, until, since, ...more } = value as Record<
    keyof Wait,
    unknown
  >;
  return (
    waitKinds.some((one) => one === kind) &&
    isText(name) &&
    (on === undefined || (Array.isArray(on) && on.every(isLine))) &&
    [key, label, form].every((text) => text === undefined || isText(text)) &&
    (key === undefined || isLine(key)) &&
    (readsKey === undefined || readsKey === true) &&
    (until === undefined || isTime(until)) &&
    isTime(since) &&
    Object.keys(more).length === 0
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= textLength;
}

/** Stores keep many of them as lines. */
function isLine(value: unknown): boolean {
  return isText(value) && !(value as string).includes('\n');
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= timeMax;
}
