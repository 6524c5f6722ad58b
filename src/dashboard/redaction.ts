/**
 * Parts of values are hidden before a page shows them. The pages read through a pawl whose answers have passed the function
 * of the host, so that pages, JSON, streams, differences and forms cannot show more. What it writes is not touched.
 *
 * A value that the function fails on is not shown at all.
 */
import { isReservedType, type RunEvent } from '../core/event.ts';
import type { OutputChunk } from '../engine/definition/outputs.ts';
import { type Difference, diffStates } from '../engine/runs/diff.ts';
import type { RunHandle, StatePoint } from '../engine/runs/run-handle.ts';
import type { RunDetails, RunInfo } from '../engine/runs/run-info.ts';
import type { AnyWorkflow } from '../engine/definition/workflow.ts';
import type { Pawl } from '../pawl.ts';

/** Where a value stands that is about to be shown. */
export interface ShownValue {
  /** What it is: `event` for the data of an event, `chunk` for one of an output. */
  readonly kind: 'input' | 'output' | 'state' | 'event' | 'chunk' | 'error' | 'metadata' | 'tags';
  /** The id of the run. */
  readonly run: string;
  /** The name of the workflow, where it is known. */
  readonly workflow?: string;
  /** The type of the event. */
  readonly type?: string;
}

/** Returns what is shown in place of a value. It must not change the value itself. */
export type Redact = (value: unknown, about: ShownValue) => unknown;

const hidden = '[hidden]';

/**
 * A `redact` for fields by their names, in whatever they are, at any depth: `hideFields('password', 'iban')`. Upper and lower
 * case are the same.
 */
export function hideFields(...names: readonly string[]): Redact {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return (value) => withoutFields(value, known);
}

function withoutFields(value: unknown, names: ReadonlySet<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => withoutFields(one, names));
  if (value instanceof Map) {
    return new Map(
      [...value].map(([key, one]) => [
        key,
        isNamed(key, names) ? hidden : withoutFields(one, names),
      ]),
    );
  }
  if (value instanceof Set) return new Set([...value].map((one) => withoutFields(one, names)));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      isNamed(key, names) ? hidden : withoutFields(one, names),
    ]),
  );
}

function isNamed(key: unknown, names: ReadonlySet<string>): boolean {
  return typeof key === 'string' && names.has(key.toLowerCase());
}

/** What is shown in place of a value, also when the function fails. */
export function shownBy(redact: Redact | undefined, value: unknown, about: ShownValue): unknown {
  if (redact === undefined || value === undefined) return value;
  try {
    return redact(value, about);
  } catch {
    return hidden;
  }
}

/** The pawl as its pages read it. */
export function redacted(pawl: Pawl, redact: Redact | undefined): Pawl {
  if (redact === undefined) return pawl;
  return over(pawl, {
    run: (first: string | AnyWorkflow, second?: string) =>
      typeof first === 'string'
        ? redactedRun(pawl.run(first), redact)
        : redactedRun(pawl.run(first, second ?? '') as RunHandle, redact, first.name),
    list: async (...given: Parameters<Pawl['list']>) => {
      const { runs, cursor } = await pawl.list(...given);
      return { runs: runs.map((run) => redactedInfo(run, redact)), cursor };
    },
  });
}

function redactedInfo<Info extends RunInfo>(info: Info, redact: Redact): Info {
  const about = { run: info.id, workflow: info.workflow };
  const error = shownBy(redact, info.error, { ...about, kind: 'error' });
  const tags = shownBy(redact, info.tags, { ...about, kind: 'tags' });
  return {
    ...info,
    tags: isRecord(tags) ? tags : {},
    ...(info.error === undefined ? {} : { error: isRecord(error) ? error : asError(error) }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function redactedRun(run: RunHandle, redact: Redact, workflow?: string): RunHandle {
  const { id } = run;
  const about = { run: id, ...(workflow === undefined ? {} : { workflow }) };
  const state = (value: unknown): unknown => shownBy(redact, value, { ...about, kind: 'state' });
  const stateAt = async (point: StatePoint): Promise<unknown> =>
    state('seq' in point ? await run.state(point) : await run.checkpoint(point.checkpoint));
  return over(run, {
    info: async (): Promise<RunDetails> => redactedInfo(await run.info(), redact),
    state: async (...given: Parameters<RunHandle['state']>) => state(await run.state(...given)),
    checkpoint: async (checkpoint: string) => stateAt({ checkpoint }),
    diff: async (before: StatePoint, after: StatePoint): Promise<readonly Difference[]> =>
      diffStates(await stateAt(before), await stateAt(after)),
    checkpoints: async (...given: Parameters<RunHandle['checkpoints']>) =>
      (await run.checkpoints(...given)).map((one) => ({
        ...one,
        metadata: shownBy(redact, one.metadata, { ...about, kind: 'metadata' }),
      })),
    events: (...given: Parameters<RunHandle['events']>) =>
      redactedEvents(run.events(...given), id, redact),
    output: (...given: Parameters<RunHandle['output']>) =>
      redactedChunks(run.output(...given), id, redact),
  });
}

async function* redactedEvents(
  events: AsyncIterable<RunEvent>,
  run: string,
  redact: Redact,
): AsyncGenerator<RunEvent, void, undefined> {
  for await (const event of events) {
    const { type } = event;
    const data = shownBy(redact, event.data, { kind: 'event', run, type });
    yield { ...event, data: isOwnType(type) ? withOwn(data, event.data) : data };
  }
}

/** What pawl itself has written into its events, and the pages are made of: names, times, counts, who and where. */
const own = new Set(
  'name run child node branch worker owner takeover on wait waits kind at until since ms attempt attempts seq fence version status'.split(
    ' ',
  ),
);

/** Changes of a state hold the workflow's own fields. */
function isOwnType(type: string): boolean {
  return isReservedType(type) && !type.startsWith('state.');
}

/** What is shown of an event of pawl's own, with what pawl has written as it was. */
function withOwn(shown: unknown, data: unknown): unknown {
  if (!isRecord(data)) return shown;
  const entries = Object.entries(data).map(([field, value]) => {
    const given = own.has(field) ? value : isRecord(shown) ? shown[field] : hidden;
    return [field, field === 'error' && !isRecord(given) ? asError(given) : given] as const;
  });
  return Object.fromEntries(entries);
}

function asError(shown: unknown): unknown {
  return { name: 'Error', message: String(shown) };
}

async function* redactedChunks(
  chunks: AsyncIterable<OutputChunk>,
  run: string,
  redact: Redact,
): AsyncGenerator<OutputChunk, void, undefined> {
  for await (const chunk of chunks) {
    yield { ...chunk, value: shownBy(redact, chunk.value, { kind: 'chunk', run }) };
  }
}

/** The object, with some of its methods replaced. Private parts are reached by the object itself only. */
function over<Target extends object>(
  target: Target,
  methods: Readonly<Record<string, unknown>>,
): Target {
  return new Proxy(target, {
    get: (_, key) => {
      if (typeof key === 'string' && Object.hasOwn(methods, key)) return methods[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
