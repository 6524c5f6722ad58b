/** Values on their way into the log: checked, encoded, and decoded again, so that a first run sees what a replay sees. */
import { canonical, encode } from '../../core/codec.ts';
import { InvalidError } from '../../core/errors.ts';
import type { NewEvent } from '../../core/event.ts';
import type { State } from '../../core/fold.ts';
import type { Limits } from '../../core/limits.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import { validate } from '../../core/schema.ts';
import type { EventSchemas } from '../definition/context.ts';
import { encodeRecord } from '../payloads.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';

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

/** New values for top-level fields of the state. */
export function setWrite(
  workflow: AnyWorkflow,
  limits: Limits,
  state: State,
  patch: Record<string, unknown>,
): Write {
  const valid = validPatch(workflow, state, patch);
  const data = encode({ patch: valid }, 'state', limits.eventBytes);
  return { type: 'state.set', data, value: canonical({ patch: valid }, data) };
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
  return { type, data: encodeRecord(value), value };
}
