/**
 * Signals on their way from the inbox into the log. A sender may not have known the workflow, or may be of another
 * version, so each is checked here, once, and what its schema makes of it is what the handler gets:
 *
 *   fits ─────────────▶ signal.received, with what the schema made of the payload
 *   does not fit ─────▶ signal.refused, with the reason and the payload as it came; no wait is ended by it
 *   unknown name ─────▶ signal.received, marked: no wait of this code can ask for it. Newer code that knows the name checks
 *                       it when it begins: `overdueSignalWrites`
 */
import { decode, encode } from '../../core/codec.ts';
import { recordError } from '../../core/error-record.ts';
import type { RefusedSignalData, SignalData } from '../../core/event.ts';
import type { Fold, ReceivedSignal } from '../../core/fold.ts';
import type { Limits } from '../../core/limits.ts';
import type { Message } from '../../core/store.ts';
import { checkDecision, isDecisionSignal } from '../definition/decision.ts';
import { checkSignal, hasSignal, signalKeyOf } from '../definition/signals.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { recordWrite, type Write } from './writes.ts';

/** Whose inbox it is, and what fits into it. */
export interface Receiver {
  readonly run: string;
  readonly workflow: AnyWorkflow;
  readonly limits: Limits;
}

/**
 * What a signal of the inbox is in the log.
 * @throws CorruptionError, KeyMissingError when it cannot be read.
 */
export function signalWrite(receiver: Receiver, message: Message): Write {
  const { data: payload, kind: _, ...about } = message;
  return checkedWrite(receiver, { ...about, payload });
}

/** Signals that came while older code did not know their names, as this code takes them. */
export function overdueSignalWrites(receiver: Receiver, fold: Fold): Write[] {
  const kept = [...fold.bookkeeping].flatMap(([field, value]) =>
    field.startsWith('signal:') ? (value as readonly ReceivedSignal[]) : [],
  );
  return kept
    .filter(({ name, isUnknown }) => isUnknown === true && hasSignal(receiver.workflow, name))
    .map(({ order: _, isUnknown: __, ...signal }) => checkedWrite(receiver, signal));
}

function checkedWrite({ run, workflow, limits }: Receiver, signal: SignalData): Write {
  const { name } = signal;
  // Read before anything is said of it: what cannot be read is no misfit.
  const payload = decode(signal.payload, { key: `run ${run}, inbox` });
  const isDecision = isDecisionSignal(name);
  if (!isDecision && !hasSignal(workflow, name)) {
    return recordWrite('signal.received', { ...signal, isUnknown: true } satisfies SignalData);
  }
  try {
    if (isDecision) {
      checkDecision(payload, 'decision');
      return recordWrite('signal.received', signal);
    }
    const made = checkSignal(workflow, name, payload);
    const bytes = encode(made, `signal ${name}`, limits.eventBytes);
    // Read once and stored, so that newer code with another field does not read another one.
    const key = signalKeyOf(workflow, name, { payload: made, key: signal.key });
    const keyed = key === undefined ? signal : { ...signal, key };
    return recordWrite('signal.received', { ...keyed, payload: bytes } satisfies SignalData);
  } catch (error) {
    const refused: RefusedSignalData = { ...signal, reason: recordError(error).message };
    return recordWrite('signal.refused', refused);
  }
}
