/**
 * The schema of a state says what a state is. It is put to values that it has accepted before, again and again: at each
 * `ctx.set`, at a resume, in a fork. So it must take its own output and leave it as it is.
 *
 * Schemas that change what they are given are refused where they are defined: found by trying, and in those of zod by
 * looking at what they are made of, because a transform may leave the defaults alone and nothing else.
 */
import { isDeepStrictEqual } from 'node:util';
import { decode, encode } from '../../core/codec.ts';
import { textOfThrown } from '../../core/error-record.ts';
import { DefinitionError, InvalidError, PawlError } from '../../core/errors.ts';
import type { State } from '../../core/fold.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { type Schema, validate } from '../../core/schema.ts';
import { findChange, shapeOf } from './zod-schema.ts';

type StateSchema = Schema<unknown, object>;

const dayMs = 24 * 3_600_000;

/**
 * The state that runs begin with.
 * @throws DefinitionError when the schema does not accept `{}`, changes its own output, or has defaults that cannot be
 *   stored or are not the same each time.
 */
export function checkStateSchema(workflow: string, schema: StateSchema | undefined): State {
  if (schema === undefined) return {};
  const refuse = (problem: string, cause?: unknown): DefinitionError =>
    new DefinitionError(`Workflow ${workflow}: ${problem}`, cause);
  const change = findChange(schema, 'state');
  if (change !== undefined) throw refuse(changes(`${change.path} ${change.what}`));
  let made: unknown;
  try {
    made = validate(schema, {}, 'state');
  } catch (error) {
    if (PawlError.is(error) && error.code === 'PAWL_DEFINITION') throw error;
    throw refuse(
      `state must accept {}, so that every run has a state to begin with. Give each field a default. (${textOfThrown(error)})`,
      error,
    );
  }
  const state = storable(made, refuse);
  let again: unknown;
  try {
    again = storable(validate(schema, state, 'state'), refuse);
  } catch (error) {
    throw refuse(changes(`the schema does not take what it makes of {} (${textOfThrown(error)})`));
  }
  if (!isDeepStrictEqual(again, state)) {
    throw refuse(changes('the schema makes something else of what it makes of {}'));
  }
  if (holdsTime(state)) waitForNextMillisecond();
  if (!isDeepStrictEqual(storable(validate(schema, {}, 'state'), refuse), state)) {
    throw refuse(
      'the defaults of state are not the same each time, so that a run would begin with others after a crash. Set such values in the handler, by ctx.set or an event.',
    );
  }
  return state;
}

function changes(found: string): string {
  return `state changes its own output: ${found}. Let its schema say what the state is. Convert where a value comes from: in the handler, or in the schema of the input, an event or a signal. Those are applied once.`;
}

/** As it will come back from a snapshot. */
function storable(made: unknown, refuse: (problem: string, cause?: unknown) => Error): State {
  let copy: unknown;
  try {
    copy = decode(encode(made, 'state', Infinity), { key: 'state' });
  } catch (error) {
    throw refuse(`the defaults of state cannot be stored. (${textOfThrown(error)})`, error);
  }
  if (isPlainObject(copy)) return copy;
  throw refuse('state must be the schema of an object.');
}

/** True when something in it may be the time of now. */
function holdsTime(value: unknown): boolean {
  if (value instanceof Date) return true;
  if (typeof value === 'number') return Math.abs(value - Date.now()) < dayMs;
  if (typeof value === 'string') return Math.abs(Date.parse(value) - Date.now()) < dayMs;
  if (typeof value !== 'object' || value === null) return false;
  return (value instanceof Map || value instanceof Set ? [...value] : Object.values(value)).some(
    holdsTime,
  );
}

function waitForNextMillisecond(): void {
  const before = Date.now();
  while (Date.now() <= before);
}

/** A state of a run's own: nothing that is done to it is seen by another run. */
export function freshState({ initialState }: { readonly initialState: State }): State {
  return decode(encode(initialState, 'state', Infinity), { key: 'initial state' }) as State;
}

/** Checks what a reducer has made of a state. @throws InvalidError naming the field that does not fit any more. */
export type StateCheck = (after: State, before: State, type: string) => void;

/**
 * The check of a workflow's schema for what reducers make; undefined when there is no schema. Only fields that have changed
 * are looked at where the schema can be taken apart, so that a large state costs no more than what is done to it.
 */
export function stateCheck(schema: StateSchema | undefined): StateCheck | undefined {
  if (schema === undefined) return undefined;
  const shape = shapeOf(schema);
  return (after, before, type) => {
    try {
      if (shape === undefined) validate(schema, after, 'state');
      else checkChanged(shape, after, before);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      throw new InvalidError(
        error.field,
        `${error.message.slice(error.field.length + 1)} The reducer of "${type}" made it so, and nothing was written; change the reducer, or what the schema of the state allows.`,
        error,
      );
    }
  };
}

function checkChanged(shape: ReadonlyMap<string, Schema>, after: State, before: State): void {
  for (const [field, schema] of shape) {
    if (after[field] !== before[field]) validate(schema, after[field], `state.${field}`);
  }
}

/** Of a state that is made of another one: what has not changed is what it was, whatever a schema makes of it. */
export function keepUnchanged(made: State, given: State, before: State): State {
  const kept = Object.entries(made).map(([field, value]) => {
    const isSame = Object.hasOwn(before, field) && isDeepStrictEqual(given[field], before[field]);
    return [field, isSame ? before[field] : value] as const;
  });
  return Object.fromEntries(kept);
}
