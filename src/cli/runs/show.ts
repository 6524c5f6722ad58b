/** `pawl runs show` */
import type { CheckpointInfo } from '../../core/checkpoint.ts';
import type { RunEvent } from '../../core/event.ts';
import { isEnded, type RunProgress } from '../../core/run.ts';
import { waitText } from '../../core/waits.ts';
import type { RunDetails, RunInfo } from '../../engine/runs/run-info.ts';
import { findRun } from '../given.ts';
import { brief } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { eventsUntilNow } from './events.ts';
import { runTable } from './list.ts';
import { readStored } from './stored.ts';

const childrenShown = 20;

export const addShow: Add = (runs, signal) => {
  runs
    .command('show')
    .description('One run: what is known of it, its payloads, steps, children and checkpoints.')
    .argument('<run>')
    .action(inShell(signal, (shell, given: string) => show(shell, given)));
};

async function show(shell: Shell, given: string): Promise<void> {
  const run = await findRun(shell, given);
  const pawl = await shell.pawl();
  const handle = pawl.run(run.id);
  const [checkpoints, children, { input, output }] = await Promise.all([
    handle.checkpoints(),
    handle.children({ limit: childrenShown }),
    readStored(pawl, run.id),
  ]);
  const steps: RunEvent[] = [];
  let origin: unknown;
  for await (const event of eventsUntilNow(pawl, run)) {
    if (isStep(event)) steps.push(event);
    if (event.seq === 1) origin = (event.data as { forkedFrom?: unknown }).forkedFrom;
  }
  const forkedFrom = origin === undefined ? {} : { forkedFrom: origin };
  const payloads = {
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  };
  const ids = children.runs.map(({ id }) => id);
  shell.show({ ...run, ...payloads, ...forkedFrom, children: ids, steps, checkpoints }, () => [
    ...shell.pairs({
      ...about(run),
      'forked from': origin === undefined ? undefined : brief(origin),
      input: input === undefined ? undefined : brief(input),
      output: output === undefined ? undefined : brief(output),
    }),
    ...section('waits for', waitTable(shell, run.waits)),
    ...section('at work', workTable(shell, run.atWork)),
    ...section('children', runTable(shell, children.runs)),
    ...section('steps', stepTable(shell, steps)),
    ...section('checkpoints', checkpointTable(shell, checkpoints)),
  ]);
  if (children.cursor !== undefined) shell.say(`More children: pawl runs list --parent ${run.id}`);
  shell.next(`pawl runs events ${run.id}`);
}

function isStep({ type }: RunEvent): boolean {
  return /^(step|node)\.(completed|failed)$/.test(type);
}

function about(run: RunInfo): Record<string, unknown> {
  const { progress, tags, error } = run;
  return {
    run: run.id,
    workflow: `${run.workflow}, code version ${run.codeVersion}`,
    status: run.paused ? `${run.status} (paused)` : run.status,
    worker: run.worker,
    progress: progress === undefined || isEnded(run.status) ? undefined : progressText(progress),
    events: run.seq,
    snapshot: run.version === 0 ? 'none' : `version ${run.version}, up to seq ${run.snapshotSeq}`,
    takeovers: run.takeovers,
    key: run.key,
    tags: Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
    parent: run.parent,
    created: run.createdAt,
    changed: run.changedAt,
    'wakes at': run.wakeAt,
    'needs code version': run.needsVersion,
    deadline: run.deadlineAt,
    error: error === undefined ? undefined : `${error.name}: ${error.message}`,
  };
}

/** `40 %, page 12`. */
function progressText({ fraction, message }: RunProgress): string {
  const part = `${Math.round(fraction * 100)} %`;
  return message === '' ? part : `${part}, ${message}`;
}

function section(title: string, text: string): string[] {
  return text === '' ? [] : ['', title, text];
}

function waitTable(shell: Shell, waits: RunInfo['waits']): string {
  const rows = waits.map((wait) => [waitText(wait), wait.name, wait.since, wait.until]);
  return shell.table(['what', 'name', 'since', 'until'], rows);
}

function workTable(shell: Shell, steps: RunDetails['atWork']): string {
  const rows = steps.map(({ name, attempt, since }) => [name, attempt, since]);
  return shell.table(['step', 'attempt', 'since'], rows);
}

function stepTable(shell: Shell, steps: readonly RunEvent[]): string {
  const rows = steps.map(({ seq, type, data, at }) => {
    const { name, node, attempts, result, error } = data as Record<string, unknown>;
    const end = type.endsWith('.failed') ? `failed: ${brief(error, 60)}` : said(result);
    return [seq, name ?? node, attempts, at, end];
  });
  return shell.table(['seq', 'name', 'attempts', 'at', 'result'], rows);
}

/** Most steps return nothing, which needs no words. */
function said(result: unknown): string {
  return result === undefined ? '' : brief(result, 60);
}

function checkpointTable(shell: Shell, checkpoints: readonly CheckpointInfo[]): string {
  const rows = checkpoints.map(({ id, seq, label, node, at, bytes, metadata }) => [
    id,
    seq,
    label ?? node,
    at,
    bytes,
    metadata === undefined ? '' : brief(metadata, 40),
  ]);
  return shell.table(['id', 'seq', 'label', 'at', 'bytes', 'metadata'], rows);
}
