/**
 * Signals against the workflow they are for. A sender may know the workflow, and is told at once when it does not
 * fit; the worker that takes one always knows it, so that a handler is never given what its schema refuses.
 */
import { InvalidError } from '../../core/errors.ts';
import { checkSignalKey } from '../../core/names.ts';
import { validate } from '../../core/schema.ts';
import type { EventSchemas } from './context.ts';
import type { AnyWorkflow } from './workflow.ts';

/** True when the workflow has a signal of this name. */
export function hasSignal(workflow: AnyWorkflow, name: string): boolean {
  return Object.hasOwn((workflow.definition.signals ?? {}) as EventSchemas, name);
}

/** The field of the payload that has the key of a signal; undefined when only its sender says it. */
export function keyFieldOf(workflow: AnyWorkflow, name: string): string | undefined {
  const fields = (workflow.definition.signalKeys ?? {}) as Readonly<
    Record<string, string | undefined>
  >;
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/**
 * The key of a signal: what its sender has given, or what its payload says.
 * @throws InvalidError when these are two, or the payload's is none that a signal can have.
 */
export function signalKeyOf(
  workflow: AnyWorkflow,
  name: string,
  { payload, key }: { readonly payload: unknown; readonly key: string | undefined },
): string | undefined {
  const field = keyFieldOf(workflow, name);
  if (field === undefined || typeof payload !== 'object' || payload === null) return key;
  const found: unknown = Reflect.get(payload, field);
  if (found === undefined || found === null) return key;
  const read = typeof found === 'number' ? String(found) : found;
  checkSignalKey(read);
  if (key === undefined || key === read) return read;
  throw new InvalidError(
    'key',
    `is ${JSON.stringify(key)}, and ${field} of the payload is ${JSON.stringify(read)}.`,
  );
}

/**
 * What the workflow's schema makes of the payload of a signal.
 * @throws InvalidError when there is no such signal, or the payload does not fit.
 */
export function checkSignal(workflow: AnyWorkflow, name: string, payload: unknown): unknown {
  checkSignalNames(workflow, [name]);
  const schema = ((workflow.definition.signals ?? {}) as EventSchemas)[name];
  return schema === undefined ? payload : validate(schema, payload, `signal ${name}`);
}

/** @throws InvalidError naming the first that is no signal of the workflow, and those that are. */
export function checkSignalNames(workflow: AnyWorkflow, names: readonly string[]): void {
  for (const name of names) {
    if (hasSignal(workflow, name)) continue;
    const known = Object.keys((workflow.definition.signals ?? {}) as EventSchemas);
    throw new InvalidError(
      'signal',
      `${JSON.stringify(name)} is not one of workflow ${workflow.name} (${known.join(', ') || 'none'}).`,
    );
  }
}
