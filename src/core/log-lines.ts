/**
 * The logger of those who have not given one: warnings and errors on standard error, so that nothing fails unseen. A person
 * at a terminal gets a line to read, everything else gets a line of JSON.
 *
 * What is logged may hold anything that a workflow has thrown: a text with the control codes of a terminal, a BigInt, a
 * cycle. It is written so that a line stays one line, and logging never throws.
 */
import { recordError } from './error-record.ts';
import { InvalidError } from './errors.ts';
import { either, having } from './option-rules.ts';
import { type Logger, silentLogger } from './logger.ts';

/** The quietest first. */
const levels = ['off', 'error', 'warn', 'info', 'debug'] as const;
type LogLevel = (typeof levels)[number];
type Said = Exclude<LogLevel, 'off'>;

/** The option `logger` of whatever opens a store. */
export const loggerRule = either(
  (value) => value === false,
  having('false, or a logger', 'debug', 'info', 'warn', 'error'),
);

/** The process whose standard error is meant. */
export interface LogHost {
  readonly host: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly stderr: { readonly isTTY?: boolean };
  };
  /** Its console, because that survives a reader who has closed the pipe. */
  readonly out: { error(line: string): void };
  readonly now: () => Date;
}

/** The logger that was given, silence for `false`, else the usual one. @throws InvalidError for a bad `PAWL_LOG`. */
export function loggerFor(given: Logger | false | undefined, where: LogHost): Logger {
  return given === false ? silentLogger : (given ?? standardLogger(where));
}

/** Says what is at least as grave as `PAWL_LOG` of the environment: off, error, warn (the default), info, debug. */
function standardLogger({ host, out, now }: LogHost): Logger {
  const { env, stderr } = host;
  const level = levelOf(env['PAWL_LOG']);
  const line = stderr.isTTY === true ? readable(env['NO_COLOR'] === undefined) : asJson;
  const at =
    (said: Said): Logger[Said] =>
    (fields, message) => {
      if (levels.indexOf(said) > levels.indexOf(level)) return;
      out.error(line({ said, message, fields, at: now() }));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function levelOf(given: string | undefined): LogLevel {
  if (given === undefined || given === '') return 'warn';
  const level = levels.find((one) => one === given);
  if (level !== undefined) return level;
  throw new InvalidError('PAWL_LOG', `must be one of ${levels.join(', ')}.`);
}

interface Line {
  readonly said: Said;
  readonly message: string;
  readonly fields: object;
  readonly at: Date;
}

function asJson({ said, message, fields, at }: Line): string {
  const head = { level: said, time: at.toISOString(), name: 'pawl', msg: message };
  return jsonOf({ ...head, ...fields }) ?? jsonOf(head) ?? '';
}

const marks: Readonly<Record<Said, readonly [word: string, color: number]>> = {
  error: ['ERROR', 31],
  warn: ['WARN ', 33],
  info: ['info ', 36],
  debug: ['debug', 90],
};

/** `19:05:01 pawl WARN  run failed  run=order-1 error="Error: no such card"` */
function readable(isColored: boolean): (line: Line) => string {
  const paint = (color: number, text: string): string =>
    isColored ? `\u001B[${color}m${text}\u001B[39m` : text;
  const gray = 90;
  return ({ said, message, fields, at }) => {
    const [word, color] = marks[said];
    const time = at.toTimeString().slice(0, 8);
    const rest = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${paint(gray, `${visible(name)}=`)}${valueText(value)}`);
    const head = `${paint(gray, `${time} pawl`)} ${paint(color, word)} ${visible(message)}`;
    return rest.length === 0 ? head : `${head}  ${rest.join(' ')}`;
  };
}

const plain = /^[\w.:@/+-]+$/;

function valueText(value: unknown): string {
  if (typeof value === 'string' && plain.test(value)) return value;
  return visible(jsonOf(value) ?? 'what cannot be shown');
}

/** Undefined for what has no JSON. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, inner: unknown) => {
      if (typeof inner === 'bigint') return String(inner);
      return inner instanceof Error ? recordError(inner) : inner;
    });
  } catch {
    return undefined;
  }
}

/** A terminal obeys what these characters say, and this text may come from anybody. */
const controls = /[\p{Cc}\u2028\u2029]/gu;

function visible(text: string): string {
  return text.replaceAll(
    controls,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
