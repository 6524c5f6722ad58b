/** What a parked run waits for, as data: stored with the run, shown to people, and the only thing that wakes it. */
import type { MessageKind } from './message.ts';

export const waitKinds = ['timer', 'signal', 'child', 'retry', 'delay', 'decision'] as const;

export type WaitKind = (typeof waitKinds)[number];

/** One of the things a run waits for; the first to come wakes it. */
export interface Wait {
  readonly kind: WaitKind;
  /** Of the wait, or of the step that pauses; empty for the run as a whole. */
  readonly name: string;
  /** Names of signals, any of which wakes; the id of the child run; the name of the effect that is in doubt. */
  readonly on?: readonly string[];
  /** When the wait is over by itself, milliseconds since 1970 on the store's clock. */
  readonly until?: number;
  /** When it began, on the same clock. */
  readonly since: number;
}

/** Whether a message wakes a run that waits so. A cancel wakes always. */
export function wants(
  waits: readonly Wait[],
  message: { readonly kind: MessageKind; readonly name: string },
): boolean {
  const { kind, name } = message;
  if (kind === 'cancel') return true;
  return waits.some((wait) => {
    if (wait.kind === 'decision') return kind === 'signal' && wait.on?.includes(effectOf(name));
    return wait.kind === kind && wait.on?.includes(name) === true;
  });
}

/** The effect that a signal with this name decides about; empty for other signals. */
function effectOf(signal: string): string {
  const prefix = 'effect ';
  return signal.startsWith(prefix) ? signal.slice(prefix.length) : '';
}
