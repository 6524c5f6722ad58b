/**
 * What a handler can wait for: the methods of `ctx` that wait, their options, and what each option may be.
 * `execution/waiting-context.ts` makes them true.
 */
import type { Duration } from '../../core/duration.ts';
import { fixedLimits } from '../../core/limits.ts';
import { checkSignalKey } from '../../core/names.ts';
import { checked, duration, optionsOf, type Rule, textOf } from '../../core/option-rules.ts';
import type { OutputOf } from '../../core/schema.ts';

export interface SleepOptions {
  /** Name of the wait in the run; needed when there is more than one of the same kind. */
  readonly as?: string;
  /** Withdraws the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What takes part in a race: a promise, or a function that makes one and is told by the signal when it has lost. */
export type RaceEntry<Result = unknown> =
  | Promise<Result>
  | ((race: { readonly signal: AbortSignal }) => Promise<Result> | Result);

export interface RaceResult<Name = string, Value = unknown> {
  readonly name: Name;
  readonly value: Value;
}

type RaceValue<Entry> = Entry extends (...args: never) => infer Result
  ? Awaited<Result>
  : Awaited<Entry>;

/** What a person fills in for one field of an answer: a text, a number, a yes or no, or one of several texts. */
export type FormField = 'text' | 'number' | 'boolean' | readonly string[];

/** Characters of what a wait is about, at most. */
export const labelLengthMax = 500;

/**
 * How long a handler waits for a signal, and which one it takes. What it says for people is shown in the inbox: see
 * docs/inbox.md.
 */
export interface WaitOptions {
  /** Withdraws the wait: it rejects with the signal's reason, and takes no signal of the run any more. */
  readonly signal?: AbortSignal;
  /** Gives up after this time; the wait then returns undefined. Default: waits for as long as it takes. */
  readonly timeout?: Duration;
  /** Name of the wait in the run; needed when there is more than one of the same kind. */
  readonly as?: string;
  /**
   * Takes only signals with this key: of `A-Z a-z 0-9 _ . ~ @ : / + -`, up to 128 characters. The sender gives the key, or
   * `signalKeys` of the workflow says which field of the payload it is. Default: takes signals with any key, or none.
   */
  readonly key?: string;
  /** What the wait is about, for the person who answers: up to 500 characters. */
  readonly label?: string;
  /**
   * What that person fills in: the fields of the payload. A hint for pages; the schema of the signal decides. Default: the
   * payload is asked for as JSON.
   */
  readonly form?: Readonly<Record<string, FormField>>;
}

export interface WaitForOptions<Payload> extends WaitOptions {
  /**
   * Which payloads this wait takes: a predicate, or the values that some of its fields must have. Others stay for other
   * waits. What it takes is stored, so that no resume asks again; what it did not take, it may be asked about again.
   * Default: any.
   */
  readonly match?: ((payload: Payload) => boolean) | Partial<Payload>;
}

/** Names of a workflow's signals. */
type SignalName<G> = keyof G & string;
type SignalPayload<G, Name extends keyof G> = OutputOf<G[Name]>;

/** The part of a context that waits. All that ends a wait is in the log, and is the same again on a resume. */
export interface Waiting<G> {
  /** Waits; for more than a second without holding a slot or memory of any worker. */
  sleep(duration: Duration, options?: SleepOptions): Promise<void>;
  /** Waits until a time on Redis' clock. */
  sleepUntil(time: Date, options?: SleepOptions): Promise<void>;
  /** Takes the oldest signal of this name, or waits for one; undefined when the time-out comes first. */
  waitFor<Name extends SignalName<G>>(
    signal: Name,
    options?: WaitForOptions<SignalPayload<G, Name>>,
  ): Promise<SignalPayload<G, Name> | undefined>;
  /** Takes the oldest signal of one of these names, or waits for the first to come. */
  waitForAny<Name extends SignalName<G>>(
    signals: readonly Name[],
    options?: WaitOptions,
  ): Promise<{ [N in Name]: { name: N; payload: SignalPayload<G, N> } }[Name] | undefined>;
  /** Waits for a signal of each name, and takes them together. */
  waitForAll<Name extends SignalName<G>>(
    signals: readonly Name[],
    options?: WaitOptions,
  ): Promise<{ [N in Name]: SignalPayload<G, N> } | undefined>;
  /**
   * The first to end wins, and is told by its name. The waits that have lost are withdrawn: they take no signal any more. On
   * a resume the same one wins.
   * @throws whatever the first to end throws.
   */
  race<Entries extends Readonly<Record<string, RaceEntry>>>(
    entries: Entries,
  ): Promise<
    { [N in keyof Entries & string]: RaceResult<N, RaceValue<Entries[N]>> }[keyof Entries & string]
  >;
}

const name = textOf(1, fixedLimits.stepNameLength);
const abortSignal = checked('an AbortSignal', (value) => value instanceof AbortSignal);

const formFieldsMax = 50;
const formLengthMax = 4_000;

/** What a person reads and a page sends back: nothing in it that is not seen. */
function isSeen(value: unknown): boolean {
  return typeof value === 'string' && /^[^\p{C}]{1,200}$/u.test(value);
}

function isField(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isSeen);
  return ['text', 'number', 'boolean'].some((one) => one === value);
}

/** Whether it is a form; what comes out of a store may have been put there by anybody. */
export function isForm(value: unknown): value is NonNullable<WaitOptions['form']> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= formFieldsMax &&
    entries.every(([field, kind]) => isSeen(field) && isField(kind)) &&
    JSON.stringify(value).length <= formLengthMax
  );
}

const checkForm = checked(
  `an object of at most ${formFieldsMax} fields, and ${formLengthMax} characters as JSON: each 'text', 'number', 'boolean', or a list of texts`,
  isForm,
);

const waitRules = {
  as: name,
  timeout: duration,
  signal: abortSignal,
  key: checkSignalKey,
  label: textOf(1, labelLengthMax),
  form: checkForm,
} as const;

/** Of the options that the methods take. @throws InvalidError that names the option. */
export const waitingChecks = {
  sleep: optionsOf<SleepOptions>({ as: name, signal: abortSignal }),
  wait: optionsOf<WaitOptions>(waitRules),
  waitFor: optionsOf<WaitForOptions<unknown>>({
    ...waitRules,
    match: checked('a function, or an object of fields', (value) => {
      return typeof value === 'function' || (typeof value === 'object' && value !== null);
    }),
  }),
} as const satisfies Readonly<Record<string, Rule>>;
