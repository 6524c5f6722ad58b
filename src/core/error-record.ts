/**
 * Errors as data, and back.
 *
 * A handler may decide by an error it catches, and must decide the same way in every execution. Later executions have only
 * what was stored, so the first one is given no more than that: whoever hands an error to a handler hands on `error` of
 * `canonicalError`, and stores its `record`.
 *
 * What is kept of an error: name, message, code, stack and cause, the `errors` of an AggregateError, and of its own fields
 * whatever is plain data, or an error again. Names of fields that are not kept, or in part, are in `omitted`. It comes back
 * as an instance of the same built-in class, or of pawl's; a class of the workflow's own comes back by its name. What is
 * thrown and is no error comes back as it was, when it is plain data.
 *
 * Anything can be thrown, also what throws when it is looked at. Recording never throws, and a record stays below
 * `errorBytesMax` encoded.
 */
import {
  BlobError,
  ConflictError,
  CorruptionError,
  DefinitionError,
  DurabilityError,
  type ErrorRecord,
  FencedError,
  ForgottenError,
  InvalidError,
  KeyMissingError,
  LimitError,
  markAsPawls,
  NonRetryableError,
  PackageMissingError,
  PawlError,
  RunError,
  StepError,
  UnavailableError,
  UnstorableError,
} from './errors.ts';
import { copyPlain, loneSurrogates, readField, Room } from './plain-copy.ts';

export const errorBytesMax = 16 * 1024;

const messageLength = 2000;
const stackLength = 2000;
const nameLength = 100;
const fieldsBytesMax = 4 * 1024;
const causesMax = 8;
const errorsMax = 16;
/** What the names of what is not kept may take, taken in any case: a record of a record needs no more room than that. */
const omittedBytes = 160;
/** Where an error that was recorded before has the names of what it lacks since. */
const omittedKey = Symbol('omitted');
/** What the names of a record's own fields take. */
const namesBytes = 100;
/** No class has so many others above it; a proxy may pretend to. */
const chainLength = 16;

/** Classes that come back as themselves, by name. */
type ErrorClass = { readonly name: string; readonly prototype: Error };
const byName = (classes: readonly ErrorClass[]): ReadonlyMap<string, ErrorClass> =>
  new Map(classes.map((one) => [one.name, one]));
const builtIn = byName([
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
  DOMException,
  NonRetryableError,
]);
const pawls = byName([
  PawlError,
  InvalidError,
  UnstorableError,
  LimitError,
  DefinitionError,
  RunError,
  ForgottenError,
  FencedError,
  ConflictError,
  StepError,
  CorruptionError,
  BlobError,
  KeyMissingError,
  UnavailableError,
  DurabilityError,
  PackageMissingError,
]);

/** Fields of an error that have a place of their own in its record. */
const placed = new Set(['name', 'message', 'stack', 'cause', '__proto__']);

/** Turns anything thrown into data. Never throws. */
export function recordError(thrown: unknown): ErrorRecord {
  return record(thrown, new Room(errorBytesMax), causesMax);
}

/** What to store of an error, and what to hand on instead of it: the same as every later execution will get. */
export function canonicalError(thrown: unknown): {
  readonly record: ErrorRecord;
  readonly error: unknown;
} {
  const known = recordError(thrown);
  return { record: known, error: reviveError(known) };
}

/** The inverse of `recordError`. A new object each time: whoever changes it changes nothing else. */
export function reviveError(known: ErrorRecord): unknown {
  if (known.thrown !== undefined) return structuredClone(known.thrown.value);
  const { cause } = known;
  const options = cause === undefined ? undefined : { cause: reviveError(cause) };
  const error = new Error(known.message, options);
  Object.setPrototypeOf(error, prototypeOf(known));
  // The name of a DOMException throws when another object is asked for it.
  if (readField(error, 'name') !== known.name) define(error, 'name', known.name);
  define(error, 'stack', withStack(known).stack);
  if (known.errors !== undefined) define(error, 'errors', known.errors.map(reviveError));
  for (const [field, value] of Object.entries(known.fields ?? {})) {
    define(error, field, structuredClone(value), true);
  }
  for (const [field, inner] of Object.entries(known.errorFields ?? {})) {
    define(error, field, reviveError(inner), true);
  }
  if (known.omitted !== undefined) define(error, omittedKey, known.omitted);
  if (known.code !== undefined) define(error, 'code', known.code, true);
  if (error instanceof PawlError) markAsPawls(error);
  return error;
}

/** The message of what was thrown, or what comes next to one. Never throws. */
export function messageOfThrown(thrown: unknown): string {
  return recordError(thrown).message;
}

/** As `String(error)`, of whatever was thrown. Never throws. */
export function textOfThrown(thrown: unknown): string {
  const { name, message, thrown: other } = recordError(thrown);
  return other === undefined ? `${name}: ${message}` : message;
}

function record(thrown: unknown, room: Room, causes: number): ErrorRecord {
  room.take(namesBytes + omittedBytes);
  try {
    return isError(thrown) ? recordOfError(thrown, room, causes) : recordOfOther(thrown, room);
  } catch {
    return withStack({ name: 'Error', message: 'something that cannot be read' });
  }
}

function isError(thrown: unknown): thrown is object {
  if (typeof thrown !== 'object' || thrown === null) return false;
  // The second half is for errors of another realm.
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]';
}

function recordOfError(error: object, room: Room, causes: number): ErrorRecord {
  const classes = classesOf(error);
  const { className, base } = toClass(classes, PawlError.is(error));
  const name = readField(error, 'name');
  const code = readField(error, 'code');
  const stack = readField(error, 'stack');
  const known = {
    name: room.text(isText(name) ? name : (className ?? base ?? 'Error'), nameLength),
    message: room.text(messageOf(readField(error, 'message')), messageLength),
    ...(isText(code) ? { code: room.text(code, nameLength) } : {}),
    ...(base === undefined ? {} : { base }),
    ...(className === undefined ? {} : { className }),
  };
  const traced = isText(stack) ? { ...known, stack: room.text(stack, stackLength) } : known;
  const own = fieldsOf(error, room, causes);
  if (typeof code === 'number') own.fields['code'] = code;
  const errors = errorsOf(error, room, causes);
  const cause = causeOf(error, room, causes);
  return {
    ...withStack(traced),
    ...keptOf(own, [...errors.omitted, ...cause.omitted]),
    ...errors.kept,
    ...cause.kept,
  };
}

type Kept = Pick<ErrorRecord, 'fields' | 'errorFields' | 'omitted'>;

/** What is empty does not stand in a record. */
function keptOf({ fields, errorFields, omitted }: OwnFields, others: readonly string[] = []): Kept {
  for (const name of others) omit(omitted, name);
  return {
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
    ...(Object.keys(errorFields).length === 0 ? {} : { errorFields }),
    ...(omitted.length === 0 ? {} : { omitted }),
  };
}

/** Of what is no error, though it was thrown. */
function recordOfOther(thrown: unknown, room: Room): ErrorRecord {
  const message = room.text(textOf(thrown), messageLength);
  const copy = copyPlain(thrown, room.part(fieldsBytesMax));
  if (copy?.isWhole === true) return { name: 'Error', message, thrown: { value: copy.value } };
  if (typeof thrown !== 'object' || thrown === null) return withStack({ name: 'Error', message });
  const className = classesOf(thrown).find((name) => name !== 'Object');
  return {
    ...withStack({ name: className ?? 'Error', message }),
    ...(className === undefined ? {} : { className }),
    ...keptOf(fieldsOf(thrown, room, causesMax)),
  };
}

/** Where no stack can be read, there is what stacks begin with: in the first execution and in every later one. */
function withStack<Known extends ErrorRecord>(known: Known): Known & { readonly stack: string } {
  return { ...known, stack: known.stack ?? `${known.name}: ${known.message}` };
}

/** What was taken over of a part of an error, and its name when that is not all of it. */
interface Part<Field extends keyof ErrorRecord> {
  readonly kept: Pick<ErrorRecord, Field>;
  readonly omitted: readonly string[];
}

function causeOf(error: object, room: Room, causes: number): Part<'cause'> {
  const cause = readField(error, 'cause');
  if (cause === undefined) return { kept: {}, omitted: [] };
  if (causes === 0 || room.isFull) return { kept: {}, omitted: ['cause'] };
  return { kept: { cause: record(cause, room, causes - 1) }, omitted: [] };
}

function errorsOf(error: object, room: Room, causes: number): Part<'errors'> {
  const errors = readField(error, 'errors');
  if (!Array.isArray(errors)) return { kept: {}, omitted: [] };
  if (causes === 0) return { kept: {}, omitted: ['errors'] };
  const some: ErrorRecord[] = [];
  for (const one of errors.slice(0, errorsMax)) {
    if (room.isFull) break;
    some.push(record(one, room, causes - 1));
  }
  return { kept: { errors: some }, omitted: some.length < errors.length ? ['errors'] : [] };
}

interface OwnFields {
  readonly fields: Record<string, unknown>;
  readonly errorFields: Record<string, ErrorRecord>;
  readonly omitted: string[];
}

function fieldsOf(thrown: object, room: Room, causes: number): OwnFields {
  const own = room.part(fieldsBytesMax);
  const found: OwnFields = { fields: {}, errorFields: {}, omitted: omittedBefore(thrown) };
  const errors: [string, unknown][] = [];
  for (const field of Object.keys(thrown)) {
    const value = readField(thrown, field);
    const isPlaced =
      placed.has(field) ||
      (field === 'code' && isText(value)) ||
      (field === 'errors' && Array.isArray(value));
    if (isPlaced) continue;
    if (isError(value)) errors.push([field, value]);
    else keepField(found, field, value, { own, causes });
  }
  // What is plain comes first: an error takes much room.
  for (const [field, value] of errors) keepField(found, field, value, { own, causes });
  return found;
}

/** What was missing already when the error was recorded before. */
function omittedBefore(thrown: object): string[] {
  return [...((thrown as { readonly [omittedKey]?: readonly string[] })[omittedKey] ?? [])];
}

/** Notes that something is missing, as long as there is room to say so. */
function omit(omitted: string[], name: string): void {
  if (omitted.includes(name)) return;
  const bytes = [...omitted, name].reduce((sum, one) => sum + Buffer.byteLength(one) + 4, 0);
  if (bytes <= omittedBytes) omitted.push(name.replaceAll(loneSurrogates, '\ufffd'));
}

function keepField(
  { fields, errorFields, omitted }: OwnFields,
  field: string,
  value: unknown,
  { own, causes }: { readonly own: Room; readonly causes: number },
): void {
  const hasRoom = own.has(field);
  if (hasRoom && causes > 0 && !own.isFull && isError(value)) {
    errorFields[field] = record(value, own, causes - 1);
    return;
  }
  const copy = hasRoom ? copyPlain(value, own) : undefined;
  if (copy !== undefined) fields[field] = copy.value;
  if (copy?.isWhole !== true) omit(omitted, field);
}

/** Names of the classes it is an instance of, its own first. */
function classesOf(thrown: object): string[] {
  const names: string[] = [];
  let prototype: unknown = Object.getPrototypeOf(thrown);
  for (let i = 0; i < chainLength && typeof prototype === 'object' && prototype !== null; i++) {
    const made = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
    const name = typeof made === 'function' ? readField(made, 'name') : undefined;
    if (isText(name) && name.length <= nameLength) names.push(name);
    prototype = Object.getPrototypeOf(prototype);
  }
  return names;
}

/** The class it can come back as, where that is not Error, and the name of its own, where that is another one. */
function toClass(
  names: readonly string[],
  isPawls: boolean,
): { readonly base?: string; readonly className?: string } {
  const base = names.find((name) => builtIn.has(name) || (isPawls && pawls.has(name))) ?? 'Error';
  const [own = base] = names;
  return { ...(base === 'Error' ? {} : { base }), ...(own === base ? {} : { className: own }) };
}

function prototypeOf({ base = 'Error', className }: ErrorRecord): Error {
  const found = (builtIn.get(base) ?? pawls.get(base) ?? Error) as new () => Error;
  if (className === undefined) return found.prototype;
  const known = namedClasses.get(`${base} ${className}`);
  if (known !== undefined) return known;
  const { prototype = found.prototype } = { [className]: class extends found {} }[className] ?? {};
  if (namedClasses.size < namedClassesMax) namedClasses.set(`${base} ${className}`, prototype);
  return prototype;
}

/** Classes that only have a name, for whoever prints an error or decides by the name of its constructor. */
const namedClasses = new Map<string, Error>();
const namedClassesMax = 1000;

/** What should be a text and may be anything. */
function messageOf(message: unknown): string {
  return message === undefined ? '' : textOf(message);
}

function textOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  if (typeof thrown === 'function') return `a function, ${thrown.name || 'without a name'}`;
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  const message = readField(thrown, 'message');
  if (isText(message)) return message;
  const copy = copyPlain(thrown, new Room(messageLength));
  const [className] = classesOf(thrown);
  if (copy === undefined) return `an instance of ${className ?? 'a class'}`;
  return JSON.stringify(copy.value, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Whatever a class has under that name, as a setter or a getter, is not asked. */
function define(target: object, key: PropertyKey, value: unknown, enumerable = false): void {
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}
