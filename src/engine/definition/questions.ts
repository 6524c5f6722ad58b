/**
 * Questions to runs: a name, and the schemas of what is asked and what is replied. Both sides are given the same value, so
 * that both have its types. `execution/answers.ts` replies.
 */
import { checkSignalName } from '../../core/names.ts';
import { needed, optionsOf, type Rule, schema, text } from '../../core/option-rules.ts';
import { type InputOf, type OutputOf, type Schema, validate } from '../../core/schema.ts';

/** A question that runs can be asked: `defineQuestion` makes it. */
export interface Question<
  Asked extends Schema<unknown, unknown> = Schema<unknown, unknown>,
  Reply extends Schema<unknown, unknown> = Schema<unknown, unknown>,
> {
  /** The name under which a handler answers: a letter, then `A-Z a-z 0-9 _ . -`. */
  readonly name: string;
  /** What is asked; checked where it is asked, and where it is answered. Default: anything. */
  readonly asked?: Asked;
  /** What is replied; checked where it is answered. Default: anything. */
  readonly reply?: Reply;
}

/** Any question, whatever its types. */
// oxlint-disable-next-line typescript/no-explicit-any -- the one place where the types of a question are given up
export type AnyQuestion = Question<any, any>;

/** What is asked with a question, before its schema. */
export type AskedInput<Q> = Q extends { asked: infer S } ? InputOf<S> : unknown;
/** What a handler is asked, after the schema of the question. */
export type AskedOutput<Q> = Q extends { asked: infer S } ? OutputOf<S> : unknown;
/** What a handler may reply. */
export type ReplyInput<Q> = Q extends { reply: infer S } ? InputOf<S> : unknown;
/** What comes back from a question. */
export type ReplyOutput<Q> = Q extends { reply: infer S } ? OutputOf<S> : unknown;

/** What an answer changes the run by, in one commit with its reply. */
export interface AnswerContext<Emitting, Patch> {
  /** Fires when nobody waits for the reply any more, or the worker must let go of the run. */
  readonly signal: AbortSignal;
  /** Adds an event to the commit that keeps the reply; nothing is written when the answer fails. */
  readonly emit: Emitting;
  /**
   * Replaces top-level fields of the state in the commit that keeps the reply, after the events. Of several calls the last
   * one counts for a field. What the schema of the state refuses fails the answer.
   */
  readonly set: (patch: Patch) => void;
}

const checkQuestion: Rule = optionsOf<Question>(
  { name: needed(text), asked: schema, reply: schema },
  "{ name: 'progress' }",
);

/**
 * A question with its types, for `ctx.answer` and `run.ask`.
 * @throws InvalidError for a bad name or schema.
 */
export function defineQuestion<const Q extends Question>(question: Q): Q {
  checkQuestion(question, 'question');
  checkSignalName(question.name);
  return Object.freeze({ ...question });
}

/** A question by its name alone has no schemas. @throws InvalidError for what is none. */
export function toQuestion(given: AnyQuestion | string): AnyQuestion {
  const question = typeof given === 'string' ? { name: given } : given;
  checkQuestion(question, 'question');
  checkSignalName(question.name);
  return question;
}

/** @throws InvalidError that names the field. */
export function checkAsked({ name, asked }: AnyQuestion, payload: unknown): unknown {
  return asked === undefined ? payload : validate(asked as Schema, payload, `question ${name}`);
}

/** @throws InvalidError that names the field. */
export function checkReply({ name, reply }: AnyQuestion, value: unknown): unknown {
  return reply === undefined ? value : validate(reply as Schema, value, `reply to ${name}`);
}
