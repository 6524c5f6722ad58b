/**
 * What happens in this process, told on channels of `node:diagnostics_channel`: for metrics, and whatever a user wants to
 * count. A message is made only for a channel that somebody listens to, so nobody pays for what nobody hears.
 *
 * Listeners are called in the middle of the work that they are told of: they must be quick, and what they throw is an
 * uncaught exception of the process, never an error of the run.
 */
import { type Channel, channel } from 'node:diagnostics_channel';
import type { InterruptReason } from '../core/event.ts';
import type { Takeover } from '../core/store.ts';

/** Which run, and who executes it. */
interface OfExecution {
  readonly run: string;
  readonly workflow: string;
  readonly worker: string;
  /** Tells the executions of a run apart. */
  readonly fence: number;
}

/** The channels, by the last part of their names, and what is told on each; times are in milliseconds. */
export interface Diagnostics {
  /** `pawl:run:started`: a caller, or another run, has started a run. */
  readonly 'run:started': { readonly run: string; readonly workflow: string };
  /** `pawl:run:claimed`: a worker has a run, and its handler is about to be called. */
  readonly 'run:claimed': OfExecution & {
    readonly claimMs: number;
    readonly replayMs: number;
    readonly replayedEvents: number;
    /** The run was lost by another worker. */
    readonly takeover: Takeover | undefined;
  };
  /** `pawl:run:committed`: events are durable. */
  readonly 'run:committed': OfExecution & {
    readonly seq: number;
    readonly events: number;
    readonly bytes: number;
    readonly withSnapshot: boolean;
    readonly ms: number;
  };
  /**
   * `pawl:run:released`: the worker has let go of the run. `how` is the run's new status, or why it is not this worker's any
   * more: fenced, deleted, rewound, closed, handed-back.
   */
  readonly 'run:released': OfExecution & {
    readonly how: string;
    readonly ms: number;
    /** What a failed run failed of. */
    readonly error: unknown;
  };
  /** `pawl:step:ended`: the body of a step has ended; it is durable when this is told. */
  readonly 'step:ended': OfExecution & {
    readonly step: string;
    readonly attempt: number;
    readonly outcome: 'completed' | 'retried' | 'failed';
    readonly ms: number;
    readonly error: unknown;
  };
  /** `pawl:worker:lost`: the sweeper in this process has taken the runs of another worker. */
  readonly 'worker:lost': {
    readonly worker: string;
    readonly reason: InterruptReason;
    readonly runs: number;
  };
  /** `pawl:wake-up:sent`: `again` when it was sent before and nobody came. */
  readonly 'wake-up:sent': {
    readonly run: string;
    readonly workflow: string;
    readonly again: boolean;
  };
}

type Name = keyof Diagnostics;

const names: readonly Name[] = [
  ...(['run:started', 'run:claimed', 'run:committed', 'run:released'] as const),
  ...(['step:ended', 'worker:lost', 'wake-up:sent'] as const),
];

const channels = Object.fromEntries(
  names.map((name) => [name, channel(`pawl:${name}`)]),
) as Readonly<Record<Name, Channel>>;

/** Tells it, if anybody listens; `message` is called only then. */
export function tell<N extends Name>(name: N, message: () => Diagnostics[N]): void {
  const one = channels[name];
  if (one.hasSubscribers) one.publish(message());
}

/** How what happens is told. */
export type Tell = typeof tell;

/** True when somebody listens: for what must be measured beforehand. */
export function isHeard(name: Name): boolean {
  return channels[name].hasSubscribers;
}

/** Listens to a channel; returns the way to stop. */
export function listen<N extends Name>(
  name: N,
  hear: (message: Diagnostics[N]) => void,
): () => void {
  const one = channels[name];
  const listener = (message: unknown): void => hear(message as Diagnostics[N]);
  one.subscribe(listener);
  return () => {
    one.unsubscribe(listener);
  };
}
