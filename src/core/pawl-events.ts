/** The events that pawl itself writes into a run's log, by type, with their payloads as users see them. */
import type { ErrorRecord } from './errors.ts';
import type {
  AnsweredData,
  CancelRequest,
  ChildEnd,
  ChildRefused,
  ChildStart,
  ChildStarting,
  ClaimedData,
  EffectData,
  ForkedFrom,
  InterruptedData,
  ResumedData,
  RetriedData,
  RewoundData,
  SignalData,
  RefusedSignalData,
  StateSetData,
  StepCompletedData,
  StepFailedData,
  StepRetriedData,
  StepsForgottenData,
  TimerData,
  TracedData,
  UndoBegunData,
  UndoFailedData,
  WithdrawnData,
} from './event.ts';
import type { NodeCompletedData, NodeScheduledData } from './graph.ts';
import type { Request, ResumeRequest } from './request.ts';

/** What stands encoded in the log and is shown decoded. */
type Shown<Data, Field extends keyof Data> = Omit<Data, Field> & {
  readonly [Name in Field]: unknown;
};

/** What became of what the run had done, where there was something to undo. */
interface HowUndone {
  /** All of it was undone, or settled by a person. */
  readonly undone?: true;
  /** So much was not, because the run could not be written to. */
  readonly left?: number;
}

/** Payloads of pawl's own events, by type. New types may come with any version of pawl. */
export interface PawlEvents {
  /** The run exists. Its first event. */
  readonly 'run.created': {
    /** The name of its workflow. */
    readonly workflow: string;
    /** The version of the code that started it. */
    readonly codeVersion: number;
    /** Where it was forked from. */
    readonly forkedFrom?: ForkedFrom;
    /** The trace of whoever started it. */
    readonly trace?: unknown;
  };
  /** A worker took the run. */
  readonly 'run.claimed': ClaimedData;
  /** The run lost its worker. */
  readonly 'run.interrupted': InterruptedData;
  /** The new owner of a run that was taken over has rebuilt its state. */
  readonly 'run.resumed': ResumedData;
  /** Which trace shows the execution that begins here. */
  readonly 'run.traced': TracedData;
  /** Redis came back with fewer events than it had acknowledged. */
  readonly 'run.rewound': RewoundData;
  /** What the run was asked has changed something: the events before it, in the same commit. */
  readonly 'run.answered': Shown<AnsweredData, 'value'>;
  /** The handler has failed, and the run tries again after a pause. */
  readonly 'run.retried': RetriedData;
  /** Somebody, or the deadline, wants the run to end. */
  readonly 'run.cancelling': CancelRequest;
  /** The run has ended because somebody wanted it. */
  readonly 'run.cancelled': CancelRequest & HowUndone;
  /** The run has ended with an output, which `run.result()` returns. */
  readonly 'run.completed': object;
  /** The run has ended with an error. */
  readonly 'run.failed': { readonly error: ErrorRecord } & HowUndone;
  /** The run was quarantined: it cannot be read, or it lost workers in a row without progress. */
  readonly 'run.quarantined': {
    readonly error?: ErrorRecord;
    readonly worker?: string;
    readonly losses?: number;
    readonly proofs?: number;
  };
  /** Somebody has paused the run. */
  readonly 'operator.paused': Request;
  /** Somebody has let a paused run go on. */
  readonly 'operator.resumed': ResumeRequest;
  /** Somebody has let a failed or quarantined run try again. */
  readonly 'operator.retried': ResumeRequest;
  /** Top-level fields of the state were replaced. */
  readonly 'state.set': StateSetData;
  /** A step, a wait or a recorded value has its result. */
  readonly 'step.completed': Shown<StepCompletedData, 'result'>;
  /** The last attempt of a step has failed. */
  readonly 'step.failed': StepFailedData;
  /** An attempt of a step has failed, and another one follows. */
  readonly 'step.retried': StepRetriedData;
  /** The handler has passed these steps, and their results leave the memory. */
  readonly 'step.forgotten': StepsForgottenData;
  /** A wait has a time at which it is over. */
  readonly 'timer.set': TimerData;
  /** The handler does not want to know any more how a wait ends. */
  readonly 'wait.withdrawn': WithdrawnData;
  /** A signal was taken from the inbox into the log. */
  readonly 'signal.received': Shown<SignalData, 'payload'>;
  /** A signal does not fit the workflow's schema, so that no wait has got it. */
  readonly 'signal.refused': Shown<RefusedSignalData, 'payload'>;
  /** The run is about to start another one, and answers for it from here on. */
  readonly 'child.starting': ChildStarting;
  /** The child exists. */
  readonly 'child.started': ChildStart;
  /** The child could not be started. */
  readonly 'child.refused': ChildRefused;
  /** A child is over. */
  readonly 'child.ended': Omit<ChildEnd, 'output'> & { readonly output?: unknown };
  /** An effect begins: until it completes, whether it happened is in doubt. */
  readonly 'effect.begun': EffectData;
  /** A person is asked whether an effect happened. */
  readonly 'effect.doubted': EffectData;
  /** What the run has done is undone before it ends. */
  readonly 'undo.begun': UndoBegunData;
  /** The undo of a step has failed for good, or the code has none: a person decides. */
  readonly 'undo.failed': UndoFailedData;
  /** The state was kept as a checkpoint. */
  readonly 'checkpoint.saved': object;
  /** A thread of LangGraph has a checkpoint more. */
  readonly 'checkpoint.put': {
    /** Empty for that of the graph itself. */
    readonly namespace: string;
    /** The id that LangGraph gave it. */
    readonly checkpoint: string;
    /** The one before it; absent for the first of its namespace. */
    readonly parent?: string;
    /** What made it: `input`, `loop`, `update` or `fork`. */
    readonly source: string;
    /** As LangGraph counts: -1 for the input. */
    readonly step: number;
  };
  /** The first node of a graph is to be executed. */
  readonly 'node.scheduled': NodeScheduledData;
  /** A node's result, its change of the state, and what comes next. */
  readonly 'node.completed': NodeCompletedData;
}
