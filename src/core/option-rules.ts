/**
 * Which options a call takes, and what each may be. A table of rules is written for a type, and the compiler compares the
 * two: an option without a rule and a rule without an option do not compile.
 *
 *   const checkWait = optionsOf<WaitOptions>({ timeout: duration, as: text });
 *   checkWait({ timout: '1s' }, 'wait options')   throws: wait options.timout is no option. Did you mean timeout?
 *
 * A check is a rule itself, so that tables nest. It costs a look at each option that is given, and nothing without options.
 */
import { type Duration, longestMs, timerMsMax, toMilliseconds } from './duration.ts';
import { InvalidError } from './errors.ts';

/** @throws InvalidError naming `field` when the value does not fit. */
export type Rule = (value: unknown, field: string) => void;

/** The rule of an option that must be given. */
export interface NeededRule extends Rule {
  /** What to do when it is not; may be empty. Undefined when something else says so. */
  readonly whenMissing: string | undefined;
}

/** A rule for each option of a type; options that the type demands are `needed`. */
export type OptionRules<Options> = {
  readonly [Name in keyof Options]-?: Partial<Pick<Options, Name>> extends Pick<Options, Name>
    ? Rule
    : NeededRule;
};

/**
 * The check of all options of a call: those it does not know are refused, those that are undefined are absent. `example`
 * is shown to somebody who passes no object.
 */
export function optionsOf<Options extends object>(
  rules: OptionRules<Options>,
  example?: string,
): Rule {
  const known = new Map<string, Rule>(Object.entries<Rule>(rules));
  const missable = Object.entries<Rule | NeededRule>(rules).flatMap(([name, rule]) =>
    'whenMissing' in rule && rule.whenMissing !== undefined
      ? [{ name, whenMissing: rule.whenMissing }]
      : [],
  );
  const words = example === undefined ? 'an object' : `an object such as ${example}`;
  return (value, field) => {
    if (value === undefined && missable.length === 0) return;
    if (!isRecord(value)) throw new InvalidError(field, `must be ${words}, it is ${shown(value)}.`);
    // Inherited ones too: they are read as the others are.
    for (const name in value) {
      const rule = known.get(name);
      if (rule === undefined) throw unknownOption(field, name, [...known.keys()]);
      const given = value[name];
      if (given !== undefined) rule(given, `${field}.${name}`);
    }
    for (const { name, whenMissing } of missable) {
      if (value[name] !== undefined) continue;
      throw new InvalidError(`${field}.${name}`, `is missing.${whenMissing}`);
    }
  };
}

/** Marks a rule as that of an option which must be given, with what to say when it is not. */
export function needed(rule: Rule, hint?: string): NeededRule {
  const check: Rule = (value, field) => rule(value, field);
  return Object.assign(check, { whenMissing: hint === undefined ? '' : ` ${hint}` });
}

/** A value that something else checks, or nobody. */
export const anything: Rule = () => undefined;
/** A value that something else checks, and also that it is there. */
export const checkedLater: NeededRule = Object.assign(() => undefined, { whenMissing: undefined });

export const flag = checked('true or false', (value) => typeof value === 'boolean');
export const text = checked('a text', (value) => typeof value === 'string');
/** A text that no error may show, whatever was given instead. */
export const secret: Rule = (value, field) => {
  if (typeof value === 'string' && value !== '') return;
  throw new InvalidError(field, 'must be a text that is not empty.');
};
export const callback = checked('a function', (value) => typeof value === 'function');
/** A length of time above nothing, in milliseconds. */
export const milliseconds = checked(
  'a number of milliseconds above 0, and a thousand years at most',
  (value) => typeof value === 'number' && value > 0 && value <= longestMs,
);
/** As `milliseconds`, for what one timer of the platform waits for. */
export const timerMilliseconds = checked(
  `a number of milliseconds above 0 and up to ${timerMsMax}`,
  (value) => typeof value === 'number' && value > 0 && value <= timerMsMax,
);
/** As `milliseconds`, or nothing at all. */
export const millisecondsOrNone = checked(
  'a number of milliseconds from 0, and a thousand years at most',
  (value) => typeof value === 'number' && value >= 0 && value <= longestMs,
);
export const plainObject = checked('an object', isRecord);
export const abortSignal = checked(
  'an AbortSignal',
  (value) => isObject(value) && 'aborted' in value && 'addEventListener' in value,
);
/** A Date, or milliseconds since 1970. */
export const time = checked('a valid Date, or milliseconds since 1970', (value) =>
  Number.isSafeInteger(value instanceof Date ? value.getTime() : value),
);
export const schema = checked(
  'a schema such as z.object({ … })',
  (value) => (isObject(value) || typeof value === 'function') && '~standard' in value,
);
export const duration: Rule = (value, field) => {
  toMilliseconds(value as Duration, field);
};

export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  const most = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`;
  return checked(`a whole number from ${min}${most}`, (value) => {
    return Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  });
}

/** A text of so many characters. */
export function textOf(min: number, max: number): Rule {
  return checked(`a text of ${min} to ${max} characters`, (value) => {
    return typeof value === 'string' && value.length >= min && value.length <= max;
  });
}

export function oneOf(...words: readonly string[]): Rule {
  return (value, field) => {
    if (words.some((word) => word === value)) return;
    const near = typeof value === 'string' ? nearest(value, words) : undefined;
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    throw new InvalidError(field, `must be ${listed(words)}, it is ${shown(value)}.${hint}`);
  };
}

export function listOf(rule: Rule, min = 0): Rule {
  return (value, field) => {
    if (!Array.isArray(value) || value.length < min) {
      const words = min === 0 ? 'a list' : `a list of ${min} or more`;
      throw new InvalidError(field, `must be ${words}, it is ${shown(value)}.`);
    }
    for (const [i, one] of value.entries()) rule(one, `${field}[${i}]`);
  };
}

/** An object all of whose values are so, whatever their names are. */
export function objectOf(rule: Rule): Rule {
  return (value, field) => {
    plainObject(value, field);
    for (const [name, one] of Object.entries(value as object)) {
      if (one !== undefined) rule(one, `${field}.${name}`);
    }
  };
}

/** Something with these methods. */
export function having(what: string, ...methods: readonly string[]): Rule {
  return checked(`${what} with ${listed(methods, 'and')}`, (value) => {
    const methodOf = value as Readonly<Record<string, unknown>>;
    return isObject(value) && methods.every((method) => typeof methodOf[method] === 'function');
  });
}

/** A plain value that passes `test`, or else what `rule` says. */
export function either(test: (value: unknown) => boolean, rule: Rule): Rule {
  return (value, field) => {
    if (!test(value)) rule(value, field);
  };
}

export function checked(words: string, test: (value: unknown) => boolean): Rule {
  return (value, field) => {
    if (!test(value)) throw new InvalidError(field, `must be ${words}, it is ${shown(value)}.`);
  };
}

function unknownOption(field: string, name: string, known: readonly string[]): InvalidError {
  const near = nearest(name, known);
  return new InvalidError(
    `${field}.${name}`,
    near === undefined
      ? `is no option. Known are ${listed(known, 'and')}.`
      : `is no option. Did you mean ${near}?`,
  );
}

/** The word that somebody who wrote `name` is likely to have meant; undefined when none is like it. */
function nearest(name: string, words: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  let best: string | undefined;
  let least = Infinity;
  for (const word of words) {
    const distance = editDistance(given, word.toLowerCase());
    const most = Math.max(1, Math.floor(Math.max(given.length, word.length) / 3));
    if (distance <= most && distance < least) {
      best = word;
      least = distance;
    }
  }
  return best;
}

/** How many letters must be added, taken, replaced or swapped with their neighbour. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value);
}

/** `a, b or c`. */
function listed(words: readonly string[], joint = 'or'): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`;
}

const shownLength = 40;

/** A value in an error's text: short, and never what is inside of an object. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > shownLength ? `${value.slice(0, shownLength)}…` : value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'a list' : 'an object';
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    default:
      return String(value);
  }
}
