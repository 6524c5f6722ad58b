/** `pawl runs show` */
import type { CheckpointInfo } from '../../core/checkpoint.ts';
import type { RunEvent } from '../../core/event.ts';
import { waitText } from '../../core/waits.ts';
import type { RunDetails, RunInfo } from '../../engine/runs/run-info.ts';
import { findRun } from '../given.ts';
import { brief, pairs, table } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';
import { eventsUntilNow } from './events.ts';

export const addShow: Add = (runs, signal) => {
  runs
    .command('show')
    .description('One run: what is known of it, its steps and its checkpoints.')
    .argument('<run>')
    .action(inShell(signal, (shell, given: string) => show(shell, given)));
};

async function show(shell: Shell, given: string): Promise<void> {
  const run = await findRun(shell, given);
  const pawl = await shell.pawl();
  const checkpoints = await pawl.run(run.id).checkpoints();
  const steps: RunEvent[] = [];
  let origin: unknown;
  for await (const event of eventsUntilNow(pawl, run)) {
    if (isStep(event)) steps.push(event);
    if (event.seq === 1) origin = (event.data as { forkedFrom?: unknown }).forkedFrom;
  }
  const forkedFrom = origin === undefined ? {} : { forkedFrom: origin };
  shell.show({ ...run, ...forkedFrom, steps, checkpoints }, () => [
    ...pairs({ ...about(run), 'forked from': origin === undefined ? undefined : brief(origin) }),
    ...section('waits for', waitTable(run.waits)),
    ...section('at work', workTable(run.atWork)),
    ...section('steps', stepTable(steps)),
    ...section('checkpoints', checkpointTable(checkpoints)),
  ]);
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
    progress: progress === undefined ? undefined : brief(progress),
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

function section(title: string, text: string): string[] {
  return text === '' ? [] : ['', title, text];
}

function waitTable(waits: RunInfo['waits']): string {
  if (waits.length === 0) return '';
  const rows = waits.map((wait) => [waitText(wait), wait.name, wait.since, wait.until]);
  return table(['what', 'name', 'since', 'until'], rows);
}

function workTable(steps: RunDetails['atWork']): string {
  if (steps.length === 0) return '';
  const rows = steps.map(({ name, attempt, since }) => [name, attempt, since]);
  return table(['step', 'attempt', 'since'], rows);
}

function stepTable(steps: readonly RunEvent[]): string {
  if (steps.length === 0) return '';
  const rows = steps.map(({ seq, type, data, at }) => {
    const { name, node, attempts, result, error } = data as Record<string, unknown>;
    const end = type.endsWith('.failed') ? `failed: ${brief(error, 60)}` : said(result);
    return [seq, name ?? node, attempts, at, end];
  });
  return table(['seq', 'name', 'attempts', 'at', 'result'], rows);
}

/** Most steps return nothing, which needs no words. */
function said(result: unknown): string {
  return result === undefined ? '' : brief(result, 60);
}

function checkpointTable(checkpoints: readonly CheckpointInfo[]): string {
  if (checkpoints.length === 0) return '';
  const rows = checkpoints.map(({ id, seq, label, node, at, bytes, metadata }) => [
    id,
    seq,
    label ?? node,
    at,
    bytes,
    metadata === undefined ? '' : brief(metadata, 40),
  ]);
  return table(['id', 'seq', 'label', 'at', 'bytes', 'metadata'], rows);
}
