/** What is stored of a run beside its log, as an export writes it: reading ends before the log begins. */
import type { Pawl } from '../../pawl.ts';

export interface Stored {
  readonly input?: unknown;
  readonly output?: unknown;
  /** The fields of the state in the last snapshot; empty without one. */
  readonly state: Readonly<Record<string, unknown>>;
}

export async function readStored(pawl: Pawl, run: string): Promise<Stored> {
  let stored: Stored = { state: {} };
  for await (const text of pawl.export(run)) {
    const line = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (line['kind'] === 'event') break;
    if (line['kind'] === 'run') stored = { ...stored, ...payloadsOf(line) };
    if (line['kind'] === 'snapshot') stored = { ...stored, state: stateOf(line['fields']) };
  }
  return stored;
}

function payloadsOf({ input, output }: Readonly<Record<string, unknown>>): Partial<Stored> {
  return {
    ...(input === undefined || isNothing(input) ? {} : { input: unwrapped(input) }),
    ...(output === undefined || isNothing(output) ? {} : { output: unwrapped(output) }),
  };
}

function stateOf(fields: unknown): Stored['state'] {
  const entries = Object.entries(fields ?? {}).flatMap(([field, value]) => {
    const key = /^state:(.+)$/s.exec(field)?.[1];
    return key === undefined ? [] : [[key, unwrapped(value)] as const];
  });
  return Object.fromEntries(entries);
}

/** Stored values are encoded; what they say is what matters here. */
function unwrapped(value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null;
  return isObject && '$encoded' in value ? value.$encoded : value;
}

/** A workflow without input, or one that returns nothing. */
function isNothing(value: unknown): boolean {
  const said = unwrapped(value);
  const object = (said as { readonly $object?: unknown } | null)?.$object ?? said;
  return typeof object === 'object' && object !== null && '$undefined' in object;
}
