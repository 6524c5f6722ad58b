/** Values on their way into the log: checked, encoded, and decoded again, so that a first run sees what a replay sees. */
import { hash } from 'node:crypto';
import { canonical, encode } from '../../core/codec.ts';
import { InvalidError } from '../../core/errors.ts';
import type { NewEvent, StateSetData } from '../../core/event.ts';
import type { FoldEvent, State } from '../../core/fold.ts';
import type { Limits } from '../../core/limits.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { validate } from '../../core/schema.ts';
import type { EventSchemas } from '../definition/context.ts';
import { encodeRecordPiece } from '../payloads.ts';
import { type AnyWorkflow, reducersOf } from '../definition/workflow.ts';

/** Enough that no two patches of a run have the same by chance. */
const markLength = 8;

/** An event and what the fold makes of it. */
export interface Write extends NewEvent {
  /** Decoded payload, exactly as a replay would see it. */
  readonly value: unknown;
}

/** One of the workflow's own events, validated and encoded. */
export function eventWrite(
  workflow: AnyWorkflow,
  limits: Limits,
  event: { readonly type: string; readonly data: unknown },
): Write {
  const schemas = (workflow.definition.events ?? {}) as EventSchemas;
  const schema = Object.hasOwn(schemas, event.type) ? schemas[event.type] : undefined;
  if (schema === undefined) {
    const known = Object.keys(schemas).join(', ') || 'none';
    throw new InvalidError(
      'event type',
      `${JSON.stringify(event.type)} is not one of workflow ${workflow.name} (${known}).`,
    );
  }
  const valid = validate(schema, event.data, event.type);
  const data = encode(valid, event.type, limits.eventBytes);
  return { type: event.type, data, value: canonical(valid, data) };
}

/** New values for top-level fields of the state, with a mark that is the same for the same values. */
export interface SetWrite extends Write {
  readonly value: StateSetData & { readonly mark: string };
  readonly patch: State;
}

/** Of a change that a handler asks for outside of its steps. `follows`: the seq of the last result that it was given. */
export function setWrite(
  workflow: AnyWorkflow,
  limits: Limits,
  { state, follows }: { readonly state: State; readonly follows: number },
  patch: Record<string, unknown>,
): SetWrite {
  const valid = validPatch(workflow, state, patch);
  const bytes = encode(valid, 'state', limits.eventBytes);
  const mark = hash('sha1', bytes, 'base64url').slice(0, markLength);
  const set: StateSetData = { patch: valid, mark, follows };
  const data = encode(set, 'state', limits.eventBytes);
  const value = canonical(set, data) as SetWrite['value'];
  return { type: 'state.set', data, value, patch: value.patch };
}

/**
 * Of a change that comes with the result of a step. `before`: the events of the step that come before it.
 * @throws InvalidError when the schema of the state refuses it; LimitError.
 */
export function stepSetWrite(
  workflow: AnyWorkflow,
  limits: Limits,
  { state, before }: { readonly state: State; readonly before: readonly Write[] },
  patch: Record<string, unknown>,
): Write {
  const valid = validPatch(workflow, reduced(workflow, state, before), patch);
  const set: StateSetData = { patch: valid };
  const data = encode(set, 'state', limits.eventBytes);
  return { type: 'state.set', data, value: canonical(set, data) };
}

/** The state after some events of the workflow's own. */
export function reduced(workflow: AnyWorkflow, state: State, events: readonly Write[]): State {
  const reducers = reducersOf(workflow);
  let after = state;
  for (const { type, value } of events) {
    if (Object.hasOwn(reducers, type)) after = reducers[type]?.(after, value) as State;
  }
  return after;
}

/** The patch as the schema of the state makes it. */
export function validPatch(
  workflow: AnyWorkflow,
  state: State,
  patch: Record<string, unknown>,
): Record<string, unknown> {
  if (!isPlainObject(patch)) throw new InvalidError('patch', 'must be an object.');
  const schema = workflow.definition.state;
  if (schema === undefined) return patch;
  const whole = validate<Record<string, unknown>>(schema, { ...state, ...patch }, 'state');
  const unknown = Object.keys(patch).find((key) => !Object.hasOwn(whole, key));
  if (unknown !== undefined && patch[unknown] !== undefined) {
    throw new InvalidError(`state.${unknown}`, `is no field of the state of ${workflow.name}.`);
  }
  return Object.fromEntries(Object.keys(patch).map((key) => [key, whole[key]]));
}

/** One of pawl's own events; its parts are bounded already. */
export function recordWrite(type: string, value: object): Write {
  return { type, data: encodeRecordPiece(value), value };
}

/** As the fold takes it. */
export function toFoldEvent({ type, value }: Write): FoldEvent {
  return { type, data: value };
}

/** As the log has it. */
export function toEvent({ type, data, branch }: Write): NewEvent {
  return branch === undefined ? { type, data } : { type, data, branch };
}
