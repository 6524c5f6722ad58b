/**
 * What a parked run waits for, as data: it is stored with the run, shown to people, and found by an index. Only what is
 * waited for wakes the run, and a cancel.
 */
import type { Message } from './message.ts';

export const waitKinds = ['timer', 'signal', 'child', 'retry', 'delay', 'decision'] as const;

/**
 * What a run can wait for. `retry` is a pause between attempts, `delay` the time before a start, `decision` an effect in
 * doubt.
 */
export type WaitKind = (typeof waitKinds)[number];

/** One thing a parked run waits for. */
export interface Wait {
  /** What ends the wait: a time, a signal, the end of a child, or a person's decision. */
  readonly kind: WaitKind;
  /** Of the wait, or of the step; empty for a delayed start. */
  readonly name: string;
  /** Names of the signals that end it, the id of the child, or the name of the effect that is in doubt. */
  readonly on?: readonly string[];
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

/** Whether a message ends one of these waits, or may do so. A run that says of nothing that it waits for it wants all. */
export function wants(
  waits: readonly Wait[],
  { kind, name }: Pick<Message, 'kind' | 'name'>,
): boolean {
  if (kind === 'cancel') return true;
  const wanted = wantedBy(waits);
  return wanted.includes(anything) || wanted.includes(`${kind}:${name}`);
}

/** The messages that are wanted, each as `<kind>:<name>`, or `*` for all of them. */
export function wantedBy(waits: readonly Wait[]): readonly string[] {
  const wanted = waits.flatMap(({ kind, on = [] }) => {
    if (kind === 'signal') return on.map((name) => `signal:${name}`);
    if (kind === 'child') return on.map((run) => `child:${run}`);
    return kind === 'decision' ? on.map((effect) => `signal:${decisionSignal(effect)}`) : [];
  });
  const isClear = waits.length > 0 && waits.length < waitsKept && wanted.length <= waitsKept;
  return isClear ? [...new Set(wanted)] : [anything];
}

/** The indexes that a run with these waits stands in: one for each kind, one for each signal. */
export function indexedBy(waits: readonly Wait[]): readonly string[] {
  const kept = waits.slice(0, waitsKept);
  const signals = kept.flatMap(({ kind, on = [] }) => {
    if (kind === 'signal') return on;
    return kind === 'decision' ? on.map(decisionSignal) : [];
  });
  const kinds = kept.map(({ kind }) => kind);
  const names = signals.slice(0, waitsKept).map((name) => `signal:${name}`);
  return [...new Set([...kinds, ...names])];
}

/** The index that a list asks: `kind:timer` is a kind, all else the name of a signal. */
export function waitIndex(waitsFor: string): string {
  const kind = /^kind:(\w+)$/.exec(waitsFor)?.[1];
  return waitKinds.some((one) => one === kind) ? `${kind}` : `signal:${waitsFor}`;
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
  const { kind, name, on, until, since, ...more } = value as Record<keyof Wait, unknown>;
  return (
    waitKinds.some((one) => one === kind) &&
    isText(name) &&
    (on === undefined || (Array.isArray(on) && on.every(isLine))) &&
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
