/**
 * Asks a run at work, and waits for the reply of its owner, whoever that is by then.
 *
 *   put ──▶ the owner replies ──▶ read
 *    │
 *    ├─ the run is over, paused, quarantined, gone ──▶ an error at once
 *    └─ the time is over ──▶ withdrawn, and PAWL_TIMEOUT
 *
 * A crash of the caller leaves a question that ends by itself.
 */
import { decode, encode } from '../../core/codec.ts';
import { detach } from '../../core/detached.ts';
import { reviveError } from '../../core/error-record.ts';
import { InvalidError, LimitError, RunError } from '../../core/errors.ts';
import { questionsMax } from '../../core/questions.ts';
import { isOver } from '../../core/run.ts';
import { type AnyQuestion, checkAsked } from '../definition/questions.ts';
import { decodeReply, type Reply } from '../replies.ts';
import { signalAfter } from '../signals.ts';
import { changesOf } from './changes.ts';
import type { AskOptions } from './handle-options.ts';
import type { HandleServices } from './handle-services.ts';
import { endedError, runNotFound } from './missing.ts';

const timeoutMsDefault = 10_000;

export async function askRun(
  services: HandleServices,
  run: string,
  question: AnyQuestion,
  payload: unknown,
  { timeoutMs = timeoutMsDefault }: AskOptions,
): Promise<unknown> {
  const { store, limits, newToken } = services;
  const { name } = question;
  const id = newToken();
  checkAsked(question, payload);
  const data = encode(payload, `question ${name}`, limits.eventBytes);
  const deadline = signalAfter(timeoutMs);
  let isPut = false;
  try {
    for await (const _ of changesOf(services, run, { signal: deadline.signal, of: 'log' })) {
      if (!isPut) await put(services, run, { id, name, data, forMs: timeoutMs });
      isPut = true;
      const reply = await store.questions.readReply(run, id);
      if (reply !== undefined) return said(run, name, decodeReply(reply, `run ${run}, reply`));
      await refuseIdle(services, run);
    }
  } finally {
    deadline.over();
    // Of no use to anybody any more; it would end by itself.
    detach(store.questions.withdraw(run, id), () => undefined);
  }
  throw new RunError(
    'PAWL_TIMEOUT',
    run,
    `Run ${run} has not answered "${name}" within ${timeoutMs} ms. It may have no worker, or be before its start; an answer that changes something may have been given.`,
    { retryable: true, outcome: 'unknown' },
  );
}

async function put(
  { store, wake }: HandleServices,
  run: string,
  question: { id: string; name: string; data: Uint8Array; forMs: number },
): Promise<void> {
  const outcome = await store.questions.put({ run, ...question });
  switch (outcome.outcome) {
    case 'asked':
      if (outcome.woken) await wake(outcome.wakeUp);
      return;
    case 'full':
      throw new LimitError(`open questions of run ${run}`, questionsMax, questionsMax + 1);
    case 'paused':
      throw pausedError(run);
    case 'ended':
      throw endedError(run, outcome.status);
    case 'missing':
      throw runNotFound(run);
  }
}

/** Nobody will reply to a run that has ended, or was paused, meanwhile. */
async function refuseIdle({ store }: HandleServices, run: string): Promise<void> {
  const record = await store.record(run);
  if (record === undefined) throw runNotFound(run);
  const { status, paused } = record;
  if (isOver(status)) throw endedError(run, status);
  if (paused && status !== 'running') throw pausedError(run);
}

function pausedError(run: string): RunError {
  return new RunError('PAWL_UNANSWERED', run, `Run ${run} is paused; resume it, and ask again.`);
}

function said(run: string, name: string, reply: Reply): unknown {
  if (reply.is === 'value') return decode(reply.value, { key: `run ${run}, reply` });
  const cause = reviveError(reply.error);
  if (reply.is === 'misfit') throw new InvalidError(`question ${name}`, reply.error.message, cause);
  throw new RunError('PAWL_UNANSWERED', run, `Run ${run}: ${reply.error.message}`, { cause });
}
