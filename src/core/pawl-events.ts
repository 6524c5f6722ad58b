/** The events that pawl itself writes into a run's log, by type, with their payloads as users see them. */
import type { ErrorRecord } from './errors.ts';
import type {
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
  WithdrawnData,
} from './event.ts';
import type { NodeCompletedData, NodeScheduledData } from './graph.ts';
import type { Request, ResumeRequest } from './request.ts';

/** What stands encoded in the log and is shown decoded. */
type Shown<Data, Field extends keyof Data> = Omit<Data, Field> & {
  readonly [Name in Field]: unknown;
};

/** Payloads of pawl's own events, by type. New types may come with any version of pawl. */
export interface PawlEvents {
  readonly 'run.created': {
    readonly workflow: string;
    readonly codeVersion: number;
    readonly forkedFrom?: ForkedFrom;
    /** The trace of whoever started it. */
    readonly trace?: unknown;
  };
  readonly 'run.claimed': ClaimedData;
  readonly 'run.interrupted': InterruptedData;
  readonly 'run.resumed': ResumedData;
  readonly 'run.traced': TracedData;
  readonly 'run.rewound': RewoundData;
  readonly 'run.retried': RetriedData;
  readonly 'run.cancelling': CancelRequest;
  readonly 'run.cancelled': CancelRequest;
  readonly 'run.completed': object;
  readonly 'run.failed': { readonly error: ErrorRecord };
  /** Either what cannot be read, or how many workers were lost with the run. */
  readonly 'run.quarantined': {
    readonly error?: ErrorRecord;
    readonly worker?: string;
    readonly deaths?: number;
    readonly proofs?: number;
  };
  readonly 'operator.paused': Request;
  readonly 'operator.resumed': ResumeRequest;
  readonly 'operator.retried': ResumeRequest;
  readonly 'state.set': StateSetData;
  readonly 'step.completed': Shown<StepCompletedData, 'result'>;
  readonly 'step.failed': StepFailedData;
  readonly 'step.retried': StepRetriedData;
  readonly 'step.forgotten': StepsForgottenData;
  readonly 'timer.set': TimerData;
  readonly 'wait.withdrawn': WithdrawnData;
  readonly 'signal.received': Shown<SignalData, 'payload'>;
  readonly 'signal.refused': Shown<RefusedSignalData, 'payload'>;
  readonly 'child.starting': ChildStarting;
  readonly 'child.started': ChildStart;
  readonly 'child.refused': ChildRefused;
  readonly 'child.ended': Omit<ChildEnd, 'output'> & { readonly output?: unknown };
  readonly 'effect.begun': EffectData;
  readonly 'effect.doubted': EffectData;
  readonly 'checkpoint.saved': object;
  readonly 'node.scheduled': NodeScheduledData;
  readonly 'node.completed': NodeCompletedData;
}
