/**
 * Events: what happened in a run, in order. The seq of an event is its place in its run: 1, 2, 3 … without gaps, given by
 * the store when the event is committed. Types in the namespaces below are written by pawl itself; all other types
 * belong to the workflow.
 */
import type { ErrorRecord } from './errors.ts';
import type { Request } from './request.ts';

/** An event on its way into the log. */
export interface NewEvent {
  readonly type: string;
  /** Encoded payload. */
  readonly data: Uint8Array;
  /** The branch of a parallel workflow that wrote it. */
  readonly branch?: string;
}

/** An event as the store keeps it. */
export interface StoredEvent extends NewEvent {
  readonly seq: number;
  /** The fence of the owner that wrote it. */
  readonly fence: number;
  /** Milliseconds since 1970 on the store's clock. */
  readonly at: number;
  /** Another event of the same commit follows: the run never stood right after this one. */
  readonly more?: boolean;
}

/** An event as users see it. */
export interface RunEvent<Type extends string = string, Data = unknown> {
  /** The event's place in its run: 1, 2, 3 … without gaps. */
  readonly seq: number;
  /** A name of the workflow's own, or one of pawl's, such as `run.claimed` and `step.completed`. */
  readonly type: Type;
  /** The payload as it was stored, decoded. Its shape depends on the type. */
  readonly data: Data;
  /** When it was committed, on Redis' clock. */
  readonly at: Date;
  /** The fence of the claim under which it was written. */
  readonly fence: number;
  /** The branch that wrote it, where a run has parallel branches; absent otherwise. */
  readonly branch?: string;
}

/** Namespaces a workflow cannot use for its own events. */
export const reservedNamespaces = [
  'run',
  'state',
  'step',
  'checkpoint',
  'timer',
  'wait',
  'signal',
  'child',
  'effect',
  'node',
  'operator',
  'undo',
] as const;

export function isReservedType(type: string): boolean {
  const dot = type.indexOf('.');
  return dot > 0 && (reservedNamespaces as readonly string[]).includes(type.slice(0, dot));
}

/** `forkedFrom` in `run.created`: the run that this one was forked from, the seq it had got to, and who did it. */
export interface ForkedFrom {
  /** The id of the run that was forked. */
  readonly run: string;
  /** The newest event of that run which the fork has in its state. */
  readonly seq: number;
  /** The person or program that asked for the fork, where one was named. */
  readonly actor?: string;
  /** What of the state was edited on the way, by its fields; absent when nothing was. */
  readonly edited?: StateEdits;
}

/** What was changed in a state, by its top-level fields. */
export interface StateEdits {
  /** Fields with the values that they were given. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Names of fields that were taken out. */
  readonly remove: readonly string[];
}

/** `run.claimed`: a worker took the run. Written by the store in the same step that raises the fence. */
export interface ClaimedData {
  /** The id of the worker that took the run. */
  readonly worker: string;
  /** The version of the workflow's code on that worker. */
  readonly codeVersion: number;
  /** Present when the run was taken over from a worker that was lost. */
  readonly takeover?: {
    readonly from: string;
    readonly reason: InterruptReason;
    /** From the last sign of life, as far as it is known, to the interrupt. */
    readonly detectMs: number;
    /** From the interrupt to the claim. */
    readonly claimMs: number;
  };
}

/** Why a run was taken from its worker. */
export type InterruptReason =
  /** The worker's connection to Redis is gone: its process died. */
  | 'presence-lost'
  /** The worker's beats stopped: it is frozen, or its host or network is gone. */
  | 'session-expired'
  /** The worker lives and does not work on the run: Redis has come back without the commit that let go of it. */
  | 'forgotten';

/** `run.interrupted`: the run lost its worker. */
export interface InterruptedData {
  /** The id of the worker that lost the run. */
  readonly worker: string;
  /** How the loss was noticed. */
  readonly reason: InterruptReason;
  /** When the worker was last known to be alive, milliseconds since 1970. */
  readonly lastSeenAt: number;
  /** Milliseconds from the last sign of life to the interrupt. */
  readonly detectMs: number;
  /** Workers lost in a row without progress, and with how many of them the run alone was under suspicion. */
  readonly losses: number;
  /** How many of the lost workers executed this run by itself. Only these count towards quarantine. */
  readonly proofs: number;
}

/** `run.resumed`: the new owner of a run that was taken over has rebuilt its state and goes on. */
export interface ResumedData {
  /** The id of the new owner. */
  readonly worker: string;
  /** The id of the worker that had lost the run. */
  readonly from: string;
  /** Milliseconds that loading and folding have taken. */
  readonly replayMs: number;
  /** Events folded after the snapshot. */
  readonly replayed: number;
  /** Version of the snapshot it started from; 0 for none. */
  readonly fromVersion: number;
}

/** `run.traced`: which trace shows the execution that begins here; only where a tracer is at work. */
export interface TracedData {
  /** As the header `traceparent` of W3C Trace Context, or whatever the tracer makes of it. */
  readonly trace: string;
}

/** `run.rewound`: Redis came back with fewer events than it had acknowledged to this worker. */
export interface RewoundData {
  /** The id of the worker that noticed it. */
  readonly worker: string;
  /** The newest seq that Redis had acknowledged to this worker. */
  readonly acknowledgedSeq: number;
  /** The newest seq that Redis still has. */
  readonly foundSeq: number;
  /** The newest chunks of its output that Redis had acknowledged, and still has: when it was these that are fewer. */
  readonly chunks?: { readonly acknowledged: number; readonly found: number };
  /** Effects that this worker has begun and whose completion is lost, or never came: whether they happened is in doubt. */
  readonly effects?: readonly string[];
  /** Of a run that was being undone, so that its handler does not go on with what is undone already. */
  readonly undo?: UndoBegunData;
  /** What was to be undone then, and whose completion is lost as well. */
  readonly toUndo?: readonly UndoEntry[];
}

/** `run.answered`: what a run was asked has changed something. The events of the same commit say what. */
export interface AnsweredData {
  /** Of the question. */
  readonly id: string;
  readonly name: string;
  /** The reply, encoded by itself. */
  readonly value: Uint8Array;
  /** Ids of earlier questions whose replies nobody needs any more. */
  readonly over?: readonly string[];
}

/** `step.completed`. */
export interface StepCompletedData {
  readonly name: string;
  /** Encoded by itself, so that a resume decodes only the results it is asked for. */
  readonly result: Uint8Array;
  readonly attempts: number;
  /** Milliseconds that this attempt was at work. Absent below 1, for a wait, and where an older pawl wrote it. */
  readonly ms?: number;
  /** Signals that this took, each by its name and its id. */
  readonly took?: readonly (readonly [name: string, id: string])[];
  readonly item?: ItemMark;
  /** Its code says how to undo it. */
  readonly hasUndo?: true;
  /** It has undone this item. */
  readonly undoes?: ItemToUndo;
}

/** What a step, or the end of a child, is one of: its result is kept with those of the others. */
export interface ItemMark {
  /** The name of all of them. */
  readonly of: string;
  /** Its place among them, from 0. */
  readonly at: number;
  /** No other one is to come after this. */
  readonly over?: true;
}

/** An item of a map that is undone. */
export interface ItemToUndo {
  /** The name of all of them. */
  readonly of: string;
  /** Its place among them, from 0. */
  readonly at: number;
}

/** `step.failed`: the last attempt failed. */
export interface StepFailedData {
  readonly name: string;
  readonly attempts: number;
  readonly error: ErrorRecord;
  /** As in `step.completed`. */
  readonly ms?: number;
  /** What has failed, when that is not the body of a step: a child run. */
  readonly about?: string;
  readonly item?: ItemMark;
}

/** `step.retried`: one attempt failed, another follows. */
export interface StepRetriedData extends StepFailedData {
  /** When the next attempt begins, on the store's clock in milliseconds since 1970. */
  readonly dueAt: number;
}

/** `step.forgotten`: the handler has passed these steps for good. Their results leave the bookkeeping. */
export interface StepsForgottenData {
  readonly names: readonly string[];
}

/** `wait.withdrawn`: the handler does not want to know any more how a wait ends. */
export interface WithdrawnData {
  readonly name: string;
}

/** `run.retried`: the handler has failed, and the run tries again after a pause. */
export interface RetriedData {
  readonly attempts: number;
  readonly error: ErrorRecord;
}

/** `operator.resumed`, `operator.retried`. */
export interface OperatorResumedData extends Request {
  /** What the handler is called with from now on, encoded by itself. */
  readonly input?: Uint8Array;
}

/** `state.set`: top-level fields of the state were replaced. */
export interface StateSetData {
  readonly patch: Readonly<Record<string, unknown>>;
  /** Made of the patch: a handler that comes by again is known by it. Absent where the change is part of a step. */
  readonly mark?: string;
  /** With a mark: the seq of the result that the handler was given last; 0 before the first one. */
  readonly follows?: number;
}

/** `timer.set`: a wait has a time at which it is over, on the store's clock in milliseconds since 1970. */
export interface TimerData {
  readonly name: string;
  readonly dueAt: number;
}

/** `signal.received`: a signal was taken from the inbox into the log. */
export interface SignalData {
  readonly id: string;
  readonly name: string;
  /** Encoded by itself: what the workflow's schema made of it, or as it came while `isUnknown`. */
  readonly payload: Uint8Array;
  /** When it came, on the store's clock in milliseconds since 1970. */
  readonly at: number;
  /** Which of the waits for it is meant: said by the sender, or read from the payload, once. */
  readonly key?: string;
  /** The name of the one wait that it answers. */
  readonly wait?: string;
  /** Who has sent it, where that was said. */
  readonly actor?: string;
  /** The code that took it has no signal of this name. */
  readonly isUnknown?: true;
}

/** `signal.refused`: a signal does not fit the workflow's schema, so that no wait has got it. */
export interface RefusedSignalData extends SignalData {
  readonly reason: string;
}

/** `child.starting`: this run is about to start another one; from here on it answers for it. */
export interface ChildStarting {
  /** The child's name in this run. */
  readonly name: string;
  readonly run: string;
  /** The token its creation is asked for with: no other run ever has it. */
  readonly birth: string;
  /** It is cancelled when this run is cancelled or fails. */
  readonly attached: boolean;
}

/** `child.started`: the other run exists. */
export interface ChildStart {
  readonly name: string;
  readonly run: string;
}

/** `child.refused`: the other run could not be started. */
export interface ChildRefused {
  readonly name: string;
  readonly error: ErrorRecord;
}

/** `child.ended`: a run that this one started is over. */
export interface ChildEnd {
  readonly run: string;
  readonly birth: string;
  /** The child's fence when it ended: grows when it is resumed and ends again. */
  readonly fence: number;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'deleted';
  /** Encoded output, of a completed one. */
  readonly output?: Uint8Array;
  readonly error?: ErrorRecord;
  /** When the news came, on the store's clock in milliseconds since 1970. */
  readonly at?: number;
}

/**
 * `effect.begun`: from here until the step of the same name completes, whether it happened is in doubt.
 * `effect.doubted`: a person is asked about it.
 */
export interface EffectData {
  readonly name: string;
  /** Its code says how to undo it. */
  readonly hasUndo?: true;
}

/** Something that has completed, and that is to be undone when its run fails or is cancelled. */
export interface UndoEntry {
  readonly name: string;
  /** Where it completed: what came last is undone first. */
  readonly seq: number;
  /** The encoded result, where the step itself is forgotten. */
  readonly result?: Uint8Array;
  /** What a visit of a node was given, and has returned. */
  readonly visit?: unknown;
  /** Of a map. */
  readonly items?: ItemsToUndo;
  /** The handler has passed it: a step of this name cannot begin again, because its undo would be this one's. */
  readonly isForgotten?: true;
  /** Its undo has failed, or is not there; a person decides. */
  readonly failed?: Pick<UndoFailedData, 'attempts' | 'isMissing'>;
}

/** Items of a map. */
export interface ItemsToUndo {
  /** The name of all of them. */
  readonly of: string;
  /** Those from this place on are undone, or were never done. */
  readonly from?: number;
}

/** `undo.begun`: the run has failed or is cancelled for good, and what it has done is undone before it ends so. */
export interface UndoBegunData {
  readonly because: 'failed' | 'cancelled';
  /** What the run ends with, whatever happens while it is undone. */
  readonly error: ErrorRecord;
  /** Of a run that is cancelled, or whose time is over. */
  readonly cancel?: CancelRequest;
}

/** `undo.failed`: the undo of a step has failed for good, or the code has none; a person decides. */
export interface UndoFailedData {
  /** The step that is to be undone. */
  readonly name: string;
  readonly attempts: number;
  readonly error: ErrorRecord;
  /** The code does not say how. */
  readonly isMissing?: true;
  /** It is this item of a map. */
  readonly item?: ItemToUndo;
}

/** Who asked for something, and why. */
export interface CancelRequest {
  /** The person or program that asked; absent when none was named. */
  readonly actor?: string;
  /** Why, in words; absent when none were given. */
  readonly reason?: string;
  /** Nobody asked: the run's time was over. */
  readonly isDeadline?: boolean;
}
