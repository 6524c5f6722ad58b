/**
 * The answer of a person to one wait of a run. The store takes it only while the parked run waits so and nobody was first,
 * so that of two answers one is written, and who comes second is told.
 *
 *   parked, waits so ──posted──▶ in the inbox, the run goes on and takes it
 *        │
 *        ├─ an answer is in the inbox, or the wait is over ──▶ AnsweredError, with who was first
 *        └─ at work, or something came that may end the wait ──▶ looked at again, until it parks or the time is over
 *
 * A crash of the caller leaves the answer in the inbox or nowhere. The same `id` again is the same answer.
 */
import { encode } from '../../core/codec.ts';
import { AnsweredError, InvalidError, RunError } from '../../core/errors.ts';
import type { SignalData, StepCompletedData } from '../../core/event.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';
import { type Wait, waitsKept } from '../../core/waits.ts';
import { checkSignal, signalKeyOf } from '../definition/signals.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';
import { toRunEvent } from '../payloads.ts';
import { signalAfter } from '../signals.ts';
import { changesOf } from './changes.ts';
import { endedError, runNotFound } from './missing.ts';
import type { AnswerOptions } from './handle-options.ts';
import type { HandleServices } from './handle-services.ts';

interface Answered extends HandleServices {
  readonly run: string;
  readonly workflow: AnyWorkflow | undefined;
}

interface Answer {
  readonly wait: string;
  readonly payload: unknown;
}

const timeoutMsDefault = 10_000;
/** How far back is looked for who was first. */
const eventsLookedAt = 1_000;

export async function answerWait(
  about: Answered,
  answer: Answer,
  options: AnswerOptions,
): Promise<void> {
  const { run, newToken } = about;
  const { timeoutMs = timeoutMsDefault, id = newToken() } = options;
  const deadline = signalAfter(timeoutMs);
  try {
    for await (const _ of changesOf(about, run, { signal: deadline.signal, of: 'log' })) {
      if (await tryToAnswer(about, answer, { ...options, id })) return;
    }
  } finally {
    deadline.over();
  }
  throw new RunError(
    'PAWL_TIMEOUT',
    run,
    `Run ${run} is at work, or has not looked yet at what came for it, so whether it still waits for "${answer.wait}" is not known after ${timeoutMs} ms. Nothing was written; try again.`,
    { retryable: true },
  );
}

/** False when nobody knows yet whether the run waits so. */
async function tryToAnswer(
  about: Answered,
  { wait, payload }: Answer,
  options: AnswerOptions & { readonly id: string },
): Promise<boolean> {
  const { store, run, workflow, limits, wake } = about;
  const record = await store.record(run);
  if (record === undefined) throw runNotFound(run);
  if (isEnded(record.status)) throw await overError(about, record, wait);
  const { id, actor } = options;
  const asked = waitOf(record, wait, options);
  if (asked === 'over') throw await overError(about, record, wait);
  if (asked === undefined) {
    // An answer that was taken is in the log, however long the run is at work with it.
    const first = await findAnswer(about, record, wait);
    if (first !== undefined) throw new AnsweredError({ run, wait }, first.by);
    return false;
  }
  const { signal, key } = asked;
  const made = workflow === undefined ? payload : checkSignal(workflow, signal, payload);
  if (workflow !== undefined) signalKeyOf(workflow, signal, { payload: made, key });
  const outcome = await store.post({
    run,
    id,
    kind: 'signal',
    name: signal,
    data: encode(payload, `signal ${signal}`, limits.eventBytes),
    wait,
    ...(key === undefined ? {} : { key }),
    ...(actor === undefined ? {} : { actor }),
  });
  switch (outcome.outcome) {
    case 'posted':
      if (outcome.woken) await wake(outcome.wakeUp);
      return true;
    case 'known':
      return true;
    case 'answered': {
      const { messages } = await store.readInbox(run);
      const sent = messages.find((one) => one.id === outcome.by);
      if (sent !== undefined) throw new AnsweredError({ run, wait }, sent.actor);
      // The run has taken it meanwhile, and its log says who sent it, now or in a moment.
      const taken = await findAnswer(about, record, wait);
      if (taken === undefined) return false;
      throw new AnsweredError({ run, wait }, taken.by);
    }
    case 'unwanted':
      throw await overError(about, record, wait);
    case 'busy':
      return false;
    case 'ended':
      throw endedError(run, outcome.status);
    case 'missing':
      throw runNotFound(run);
  }
}

/** The signal by which a parked run is answered, with its key; undefined when it is not known what the run waits for. */
function waitOf(
  { status, waits }: RunRecord,
  name: string,
  { signal }: AnswerOptions,
): { readonly signal: string; readonly key?: string } | 'over' | undefined {
  if (status !== 'waiting') return undefined;
  const wait = waits.find((one) => one.kind === 'signal' && one.name === name);
  // Of very many waits not all are shown: whoever knows the signal may answer.
  const isHidden = waits.length >= waitsKept && signal !== undefined;
  if (wait === undefined) return isHidden ? { signal } : 'over';
  const chosen = chooseSignal(wait, signal);
  return wait.key === undefined ? { signal: chosen } : { signal: chosen, key: wait.key };
}

function chooseSignal({ name, on = [] }: Wait, signal: string | undefined): string {
  const [only, ...others] = on;
  if (signal === undefined && only !== undefined && others.length === 0) return only;
  if (signal !== undefined && on.includes(signal)) return signal;
  throw new InvalidError('signal', `must be one that "${name}" waits for: ${on.join(', ')}.`);
}

async function overError(about: Answered, record: RunRecord, wait: string): Promise<RunError> {
  const { run } = about;
  const first = await findAnswer(about, record, wait);
  if (first === undefined && isEnded(record.status)) return endedError(run, record.status);
  return new AnsweredError({ run, wait }, first?.by);
}

/** Who has ended a wait, as far as the end of the log tells; undefined when it does not say that the wait is over. */
async function findAnswer(
  { store, run }: Answered,
  { seq, firstSeq }: RunRecord,
  wait: string,
): Promise<{ readonly by: string | undefined } | undefined> {
  const limit = 500;
  let after = Math.max(firstSeq - 1, seq - eventsLookedAt);
  const actors = new Map<string, string | undefined>();
  let found: { readonly by: string | undefined } | undefined;
  for (;;) {
    const page = await store.events({ run, after, limit });
    for (const stored of page) {
      if (stored.type !== 'signal.received' && stored.type !== 'step.completed') continue;
      const { type, data } = toRunEvent(stored, `run ${run}`);
      if (type === 'signal.received') {
        const { id, actor } = data as SignalData;
        actors.set(id, actor);
        continue;
      }
      const { name, took } = data as StepCompletedData;
      if (name !== wait) continue;
      const by = took?.map(([, id]) => actors.get(id)).find((actor) => actor !== undefined);
      found = { by };
    }
    if (page.length < limit) return found;
    after = page.at(-1)?.seq ?? seq;
  }
}
