/**
 * The story of every example:
 *
 *   worker 1 takes the run ──▶ killed at the given moment ──▶ worker 2 takes it over ──▶ result ──▶ what was kept
 */
import type {
  EventSchemas,
  RunEvent,
  RunHandle,
  Schema,
  StartInput,
  StateOf,
  Workflow,
  WorkflowEvent,
} from 'pawl';
import type { Stage } from './stage.ts';
import { WorkerProcess } from './worker.ts';

const resultMsMax = 30_000;

export interface Story<
  Input extends Schema,
  S,
  E extends EventSchemas,
  Output,
  G extends EventSchemas,
> {
  readonly workflow: Workflow<Input, S, E, Output, G>;
  /** The compiled module that exports it: `new URL('./workflow.js', import.meta.url)`. */
  readonly module: URL;
  readonly input: StartInput<Workflow<Input, S, E, Output, G>>;
  /** Whose run it is, where runs take turns. */
  readonly key?: string;
  /** The moment of the kill: an event of the run, or words the worker says. */
  readonly killAt: ((event: RunEvent) => boolean) | string;
  /** What happens outside while the second worker is at work: an answer, a repair. */
  readonly meanwhile?: (run: RunHandle<Output, StateOf<S>, G, WorkflowEvent<E>>) => Promise<void>;
}

/** Starts a run, kills the worker that executes it, lets another process go on, and returns the run and its result. */
export async function killAndResume<
  Input extends Schema,
  S,
  E extends EventSchemas,
  Output,
  G extends EventSchemas,
>(
  stage: Stage,
  { workflow, module, input, key, killAt, meanwhile }: Story<Input, S, E, Output, G>,
): Promise<{ run: RunHandle<Output, StateOf<S>, G, WorkflowEvent<E>>; result: Output }> {
  let onWords: () => void = () => undefined;
  const words = new Promise<void>((resolve) => {
    onWords = resolve;
  });
  const onLine = (line: string): void => {
    if (typeof killAt === 'string' && line.includes(killAt)) onWords();
  };
  const first = await WorkerProcess.start(stage, { label: 'worker 1', module, onLine });
  const run = await stage.pawl.start(workflow, input, key === undefined ? {} : { key });
  await (typeof killAt === 'string' ? Promise.race([words, early(run)]) : seen(run, killAt));
  await first.kill();
  const { seq } = await run.info();
  stage.say('worker 1 was killed (SIGKILL); another process goes on');

  const second = await WorkerProcess.start(stage, { label: 'worker 2', module });
  await meanwhile?.(run);
  const result = await run.result({ timeoutMs: resultMsMax });
  await second.stop();
  stage.say(`result: ${JSON.stringify(result)}`);
  stage.say(`kept: ${list(await keptUntil(run, seq))}`);
  stage.say(`ran again: ${list(first.lines.filter((line) => second.lines.includes(line)))}`);
  return { run, result };
}

/** Resolves at the first event that fits. */
async function seen(run: RunHandle, fits: (event: RunEvent) => boolean): Promise<void> {
  for await (const event of run.events()) if (fits(event)) return;
  await early(run);
}

/** Rejects when the run ends. */
async function early(run: RunHandle): Promise<never> {
  await run.result();
  throw new Error(`Run ${run.id} ended before the moment of the kill came.`);
}

/** What the log held when the first worker died: finished steps, the workflow's own events, checkpoints. */
async function keptUntil(run: RunHandle, last: number): Promise<string[]> {
  const kept: string[] = [];
  for await (const { seq, type, data } of run.events()) {
    const { name, label } = data as { name?: string; label?: string };
    if (type === 'step.completed') kept.push(`step ${name}`);
    else if (type === 'checkpoint.saved') kept.push(`checkpoint "${label}"`);
    else if (type === 'state.set' || !/^(run|timer|signal|effect|step)\./.test(type))
      kept.push(type);
    if (seq >= last) break;
  }
  return kept;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'nothing' : items.join(', ');
}
