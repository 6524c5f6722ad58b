/**
 * Questions to a run at work, and the replies of its owner. Neither is in the log, and neither outlives its time.
 *
 *   put ──▶ open ──reply──▶ a reply, for a while ──▶ read by whoever asked
 *             │
 *             └──withdraw, or its time is over──▶ gone
 *
 * A question stays open while owners come and go, so whoever has the run next replies to it. A parked run is woken by one,
 * as by a message that it waits for. An owner that is lost cannot reply: its fence is compared.
 */
import type { DueRun } from './due-run.ts';
import type { RunStatus } from './run.ts';
import type { Ownership } from './ownership.ts';

/** Questions that may be open at one time, of one run. */
export const questionsMax = 100;

/** Encoded bytes of what is asked, and of a reply. They lie in Redis, whatever values of a run may be elsewhere. */
export const questionBytesMax = 256_000;

/** Encoded bytes of a reply that comes with a change: it is remembered until whoever asked has it. */
export const keptReplyBytesMax = 16_000;

/** A question that has no reply yet. */
export interface OpenQuestion {
  readonly id: string;
  readonly name: string;
  /** Encoded payload. */
  readonly data: Uint8Array;
  /** Nobody waits for the reply after that, in milliseconds on the store's clock. */
  readonly until: number;
}

export interface QuestionParams extends Omit<OpenQuestion, 'until'> {
  readonly run: string;
  /** How long the reply is waited for, from now. */
  readonly forMs: number;
}

export type QuestionOutcome =
  /** The owner is to reply; also when the same question was put before. `wakeUp` is to be sent when `woken`. */
  | { readonly outcome: 'asked'; readonly woken: boolean; readonly wakeUp: DueRun }
  /** So many are open that this one was not put. */
  | { readonly outcome: 'full' }
  | { readonly outcome: 'paused' }
  /** Over, or quarantined: nobody will reply. */
  | { readonly outcome: 'ended'; readonly status: RunStatus }
  | { readonly outcome: 'missing' };

export interface ReplyParams extends Ownership {
  /** Of the question. */
  readonly id: string;
  /** Encoded reply. */
  readonly data: Uint8Array;
  /** How long it is kept for whoever asked. */
  readonly keepMs: number;
}

export interface Questions {
  /** Puts a question to a run that has not ended. */
  put(params: QuestionParams): Promise<QuestionOutcome>;
  /** The questions that are open, those that end first coming first. */
  open(run: string): Promise<readonly OpenQuestion[]>;
  /** The owner's reply. `gone`: nobody waits for it any more, or it was given before. */
  reply(params: ReplyParams): Promise<'replied' | 'gone' | 'fenced'>;
  /** The reply to a question; undefined while there is none. */
  readReply(run: string, id: string): Promise<Uint8Array | undefined>;
  /** Nobody waits for the reply any more. */
  withdraw(run: string, id: string): Promise<void>;
}
