/** A run as another system kept it, and the lines with which it comes into pawl. */
import { InvalidError } from '../core/errors.ts';
import { checkRunId, checkWorkflowName } from '../core/names.ts';
import { formatLine, portableVersion } from '../engine/transfer/portable.ts';

export interface ForeignEvent {
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly data: unknown;
  readonly branch?: string;
  /** The state after this event was kept. */
  readonly kept?: {
    readonly state: Readonly<Record<string, unknown>>;
    readonly node?: string;
    readonly label?: string;
    readonly metadata?: unknown;
  };
}

export interface ForeignRun {
  readonly id: string;
  readonly workflow: string;
  /** What says which system it is from. */
  readonly source: string;
  readonly at: number;
  readonly events: readonly ForeignEvent[];
  /** The newest state; absent when it is that of the last event that kept one. */
  readonly state?: Readonly<Record<string, unknown>>;
}

/**
 * Lines for `pawl.import`. The run comes in as queued and paused: nobody goes on with it before it is resumed, and then any
 * worker with a workflow of its name does, from its newest state.
 * @throws InvalidError when its id or its workflow's name is none of pawl.
 */
export function linesOf(runs: readonly ForeignRun[]): string[] {
  const lines = runs.flatMap(linesOfRun);
  return [
    formatLine({ kind: 'pawl-export', version: portableVersion }),
    ...lines,
    formatLine({ kind: 'complete', runs: runs.length }),
  ];
}

function linesOfRun({ id: run, workflow, source, at, events, state }: ForeignRun): string[] {
  checkRunId(run, `run of ${source}`);
  checkWorkflowName(workflow);
  const iso = (time: number): string => new Date(time).toISOString();
  const lines: string[] = [];
  let fields: Record<string, unknown> = {};
  let version = 0;
  let snapshotSeq = 0;
  const checkpoints: string[] = [];
  const eventLines = [
    { type: 'run.created', at, data: { workflow, codeVersion: 0, from: source } },
    ...events,
  ].map(({ type, at: time, data, ...more }: ForeignEvent, i) => {
    const seq = i + 1;
    if (more.kept !== undefined) {
      const next = toFields(more.kept.state);
      version += 1;
      snapshotSeq = seq;
      checkpoints.push(checkpointLine({ ...more.kept, at: time, seq, version }, fields, next));
      fields = next;
    }
    const about = { run, seq, type, at: iso(time), fence: 0 };
    const branch = more.branch === undefined ? {} : { branch: more.branch };
    return formatLine({ kind: 'event', ...about, ...branch, data });
  });
  if (state !== undefined) {
    version += 1;
    snapshotSeq = eventLines.length;
    fields = toFields(state);
  }
  lines.push(
    formatLine({
      kind: 'run',
      id: run,
      workflow,
      codeVersion: 0,
      status: 'queued',
      fence: 0,
      seq: eventLines.length,
      version,
      snapshotSeq,
      takeovers: 0,
      losses: 0,
      bytes: eventLines.reduce((sum, line) => sum + line.length, 0),
      paused: true,
      priority: 0,
      tags: { from: source },
      createdAt: iso(at),
      changedAt: iso(events.at(-1)?.at ?? at),
      input: null,
    }),
  );
  const about = { version, seq: snapshotSeq, schema: 0, at: iso(events.at(-1)?.at ?? at) };
  if (version > 0) lines.push(formatLine({ kind: 'snapshot', run, ...about, fields }));
  const counts = { events: eventLines.length, checkpoints: checkpoints.length, messages: 0 };
  return [...lines, ...eventLines, ...checkpoints, formatLine({ kind: 'end', run, ...counts })];

  function checkpointLine(
    kept: NonNullable<ForeignEvent['kept']> & { at: number; seq: number; version: number },
    before: Readonly<Record<string, unknown>>,
    after: Readonly<Record<string, unknown>>,
  ): string {
    const text = (value: unknown): string => JSON.stringify(value);
    const set = Object.entries(after).filter(([name, value]) => text(before[name]) !== text(value));
    return formatLine({
      kind: 'checkpoint',
      run,
      id: `${kept.version}-0`,
      version: kept.version,
      seq: kept.seq,
      schema: 0,
      bytes: text(after).length,
      ...(kept.label === undefined ? {} : { label: kept.label }),
      ...(kept.node === undefined ? {} : { node: kept.node }),
      at: iso(kept.at),
      ...(kept.metadata === undefined ? {} : { metadata: kept.metadata }),
      set: Object.fromEntries(set),
      remove: Object.keys(before).filter((name) => !(name in after)),
    });
  }
}

function toFields(state: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [`state:${key}`, value]));
}

/** A JSON object in a file. @throws InvalidError that names the file. */
export function parseObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidError(where, 'is not JSON; is it cut off? Nothing was imported.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new InvalidError(where, 'is not a JSON object. Nothing was imported.');
}

/** @throws InvalidError that names place and field. */
export function textOf(
  object: Readonly<Record<string, unknown>>,
  field: string,
  where: string,
): string {
  const value = object[field];
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidError(where, `has no text "${field}". Nothing was imported.`);
}
