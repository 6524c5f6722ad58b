/** What must hold of a run that has ended, by its log. */
import { setTimeout as pause } from 'node:timers/promises';
import { PawlError } from '../../src/core/errors.ts';
import type { Pawl } from '../../src/pawl.ts';
import type { RunEvent } from '../../src/core/event.ts';

/** What of the state is counted again. */
export type Counted = { readonly sum: number; readonly marks: object };

interface Ended {
  events(): AsyncIterable<RunEvent>;
  state(): Promise<Counted>;
}

export interface LogOptions {
  /** What a fork began with. */
  readonly base?: Counted | undefined;
  /** Events beside its steps come again at each resume, and changes of the state right before them as well. */
  readonly mayGoBack?: boolean;
}

/** What handlers and steps make of the state goes on, and never back. */
class Phases {
  readonly #furthest = new Map<string, number>();
  /** The step that has changed the state, and has to be completed with that. */
  #latest: string | undefined;

  problemsWith({ type, data }: RunEvent, mayGoBack: boolean): string[] {
    const { name, patch = {} } = data as {
      name?: string;
      patch?: { phase?: string; latest?: string };
    };
    const problems: string[] = [];
    const isEnd = type === 'step.completed' && name?.endsWith(this.#latest ?? '') === true;
    if (this.#latest !== undefined && !isEnd) {
      problems.push(`${this.#latest} has changed the state and was not completed with that`);
    }
    this.#latest = undefined;
    if (type !== 'state.set') return problems;
    const { phase, latest } = patch;
    if (latest !== undefined) this.#latest = latest;
    if (phase === undefined) return problems;
    const [part = '', at = ''] = phase.split(':');
    const before = this.#furthest.get(part) ?? -1;
    if (Number(at) <= before && !mayGoBack) problems.push(`${part} went from ${before} to ${at}`);
    this.#furthest.set(part, Math.max(before, Number(at)));
    return problems;
  }
}

/** What an event of the log says of what is to be undone. */
interface OfUndo {
  readonly name?: string;
  readonly hasUndo?: boolean;
  readonly item?: { readonly of: string; readonly at: number };
  readonly node?: string;
  readonly visit?: number;
}

/** What is undone, and in which order. What a fork has inherited comes last. */
class Undos {
  /** Names, what completed last first; a map stands where its last item is. */
  #toUndo: string[] = [];
  readonly #items = new Map<string, number[]>();
  readonly #undone: string[] = [];
  readonly #inDoubt = new Set<string>();
  readonly #problems: string[] = [];
  #end: string | undefined;

  note({ type, data }: RunEvent): void {
    const { name = '', hasUndo, item, node = '', visit } = data as OfUndo;
    if (type === 'effect.begun' && hasUndo === true) this.#inDoubt.add(name);
    if (type === 'node.completed' && hasUndo === true) this.#completed(`node:${node}:${visit}`);
    if (type === 'undo.failed' && name.startsWith('node:'))
      this.#problems.push(`${name} cannot be undone`);
    if (type === 'step.completed') {
      this.#inDoubt.delete(name);
      if (item !== undefined && hasUndo === true) {
        this.#items.set(item.of, [...(this.#items.get(item.of) ?? []), item.at]);
        this.#completed(`${item.of}:*`);
      } else if (hasUndo === true) this.#completed(name);
      if (name.endsWith(' ›› undo')) this.#undone.push(name.slice(0, -' ›› undo'.length));
    }
    if (['run.completed', 'run.failed', 'run.cancelled'].includes(type)) this.#end = type;
  }

  #completed(name: string): void {
    this.#toUndo = [name, ...this.#toUndo.filter((one) => one !== name)];
  }

  problems(): string[] {
    const undone = this.#undone.join(' ');
    if (this.#end === 'run.completed')
      return undone === '' ? [] : [`completed, and undone: ${undone}`];
    const toUndo = this.#toUndo.flatMap((name) => {
      if (!name.endsWith(':*')) return [name];
      // Where the handler does not come by the map again, a person settles all that is left of it.
      if (this.#undone.includes(name)) return [];
      const of = name.slice(0, -':*'.length);
      const items = this.#items.get(of);
      return items?.toSorted((a, b) => b - a).map((at) => `${of}:${at}`) ?? [name];
    });
    const left = [...this.#inDoubt, ...toUndo].filter((name) => !this.#undone.includes(name));
    if (left.length > 0) return [...this.#problems, `not undone: ${left.join(' ')}`];
    const order = this.#undone.filter((name) => toUndo.includes(name));
    const isInOrder = order.join(' ') === toUndo.join(' ');
    const wrong = `undone as ${undone}, done as ${toUndo.toReversed().join(' ')}`;
    return isInOrder ? this.#problems : [...this.#problems, wrong];
  }
}

/** The state is what the log adds up to, by a fold that has nothing of pawl's. */
export async function judgeLog(
  run: Ended,
  { base = { sum: 0, marks: {} }, mayGoBack = false }: LogOptions = {},
): Promise<string[]> {
  let { sum } = base;
  let seq = 0;
  const problems: string[] = [];
  const marks = new Set(Object.keys(base.marks));
  const completed = new Set<string>();
  const phases = new Phases();
  const undos = new Undos();
  for await (const event of run.events()) {
    seq += 1;
    problems.push(...phases.problemsWith(event, mayGoBack));
    undos.note(event);
    if (event.seq !== seq) problems.push(`event ${event.seq} where ${seq} was to come`);
    const data = event.data as {
      name?: string;
      names?: readonly string[];
      patch?: { marks?: object };
      sum?: number;
    };
    if (event.type === 'added') sum += event.data as number;
    if (event.type === 'state.set') {
      for (const mark of Object.keys(data.patch?.marks ?? {})) marks.add(mark);
    }
    if (event.type === 'step.completed') {
      if (completed.has(data.name ?? '')) problems.push(`${data.name} completed twice`);
      completed.add(data.name ?? '');
    }
    if (event.type === 'step.forgotten')
      for (const name of data.names ?? []) completed.delete(name);
  }
  problems.push(...undos.problems());
  const state = await run.state();
  if (state.sum !== sum) problems.push(`the state says ${state.sum}, the log ${sum}`);
  if (Object.keys(state.marks).length !== marks.size)
    problems.push('the state has other marks than the log');
  return problems;
}

/** The children that are to end with a run, by its log up to an event. */
export async function attachedOf(
  log: Pick<Ended, 'events'>,
  seq: number,
): Promise<readonly string[]> {
  const attached: string[] = [];
  for await (const event of log.events()) {
    const data = event.data as { run?: string; attached?: boolean };
    if (event.type === 'child.starting' && data.attached === true) attached.push(data.run ?? '');
    if (event.seq >= seq) break;
  }
  return attached;
}

const patienceMs = 60_000;

/** Attached children end with their parent, within a while. */
export async function judgeChildren(caller: Pawl, attached: readonly string[]): Promise<string[]> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const open: string[] = [];
    for (const child of attached) if (!(await isOver(caller, child))) open.push(child);
    if (open.length === 0) return [];
    if (performance.now() > until) {
      return open.map((run) => `the attached child ${run} was left behind`);
    }
    await pause(50);
  }
}

async function isOver(caller: Pawl, run: string): Promise<boolean> {
  try {
    const { status, waits } = await caller.run(run).info();
    // An undo that has failed for good waits for a person.
    for (const { kind, on: [name = ''] = [] } of waits) {
      if (kind === 'undo')
        await caller.run(run).decide(name, { decide: 'done', result: 'by hand' });
    }
    return ['completed', 'failed', 'cancelled'].includes(status);
  } catch (error) {
    if (PawlError.is(error) && error.code === 'PAWL_RUN_NOT_FOUND') return true;
    throw error;
  }
}
