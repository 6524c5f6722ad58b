/** One call of the handler of a graph's run: from where its state says to the end of the graph. */
import { inPieces } from '../agents/pieces.ts';
import { DefinitionError, NonRetryableError } from '../core/errors.ts';
import { labelLengthMax } from '../engine/definition/waiting.ts';
import {
  type CompiledGraph,
  type GraphConfig,
  type Position,
  positionOf,
} from './compiled-graph.ts';
import type { GraphSettings } from './options.ts';
import { toPlain } from './plain.ts';
import type { GraphContext } from './state.ts';
import { type Given, superstep } from './superstep.ts';
import type { TakenThread } from './thread-claim.ts';

export class GraphExecution {
  readonly #ctx: GraphContext;
  readonly #graph: CompiledGraph;
  readonly #taken: TakenThread;
  readonly #settings: GraphSettings;

  constructor(
    ctx: GraphContext,
    parts: {
      readonly graph: CompiledGraph;
      readonly taken: TakenThread;
      readonly settings: GraphSettings;
    },
  ) {
    this.#ctx = ctx;
    this.#graph = parts.graph;
    this.#taken = parts.taken;
    this.#settings = parts.settings;
  }

  /** Null or undefined: nothing is entered, and the graph goes on where its thread stands. */
  async run(input: unknown): Promise<unknown> {
    const { limit } = this.#settings;
    if (this.#ctx.state.count === 0 && input !== null && input !== undefined) {
      await this.#step('enter', { kind: 'enter', input });
    }
    for (;;) {
      const { count } = this.#ctx.state;
      const from = this.#from;
      if (from.isOver) return valuesOf(this.#graph, this.#taken.config);
      if (count > limit) throw tooMany(limit);
      await this.#stop(from);
      const answers = await this.#ask(from);
      const isFirst = answers.size === 0 || (await this.#isFirst());
      await this.#step(nameOf(from.next), { kind: 'go', answers, mayBeGiven: !isFirst });
    }
  }

  get #from(): Position {
    const { from } = this.#ctx.state;
    if (from === undefined) throw new DefinitionError('The run of a graph has no thread yet.');
    return from as Position;
  }

  async #step(name: string, given: Given): Promise<void> {
    const { modes, output, timeout } = this.#settings;
    const { count } = this.#ctx.state;
    const from = this.#from;
    const { config, hold } = this.#taken;
    await this.#ctx.step(
      `${count}/${name}`,
      async (step) => {
        const out = step.output(output);
        const to = await superstep({
          graph: this.#graph,
          config,
          hold,
          modes,
          from,
          given: attempted(given, step.attempt),
          signal: step.signal,
          give: async (chunk) => {
            for (const piece of inPieces(chunk)) await out.write(piece);
          },
        });
        const hasMoved = to.checkpoint !== from.checkpoint;
        step.set({ count: count + 1, from: to, ran: hasMoved ? from.next : [] });
      },
      timeout === undefined ? {} : { timeout },
    );
    // Of no use any more: where the thread stands is in the state.
    this.#ctx.forget(`${count}/`);
  }

  /** Whether nobody has given the answers of this superstep: the log says so before anybody does. */
  async #isFirst(): Promise<boolean> {
    let isFirst = false;
    await this.#ctx.step(`${this.#ctx.state.count}/give`, () => {
      isFirst = true;
    });
    return isFirst;
  }

  /** Waits for an answer to each open question, all at one time. */
  async #ask({ questions }: Position): Promise<ReadonlyMap<string, unknown>> {
    const { signal, label } = this.#settings;
    const { count } = this.#ctx.state;
    const answers = questions.map(async ({ id, value }) => {
      const as = `${count}/question:${id}`;
      const answer = await this.#ctx.waitFor(signal, { key: id, as, label: label(value) });
      return [id, answer] as const;
    });
    return new Map(await Promise.all(answers));
  }

  /** Waits for a person before and behind the nodes for which the graph was compiled so. */
  async #stop({ next, questions }: Position): Promise<void> {
    const { count, ran } = this.#ctx.state;
    if (questions.length > 0) return;
    const nodes = [
      ...named(next, this.#graph.interruptBefore),
      ...named(ran, this.#graph.interruptAfter),
    ];
    if (nodes.length === 0) return;
    const label = `Go on at ${nodes.join(', ')}?`.slice(0, labelLengthMax);
    await this.#ctx.waitFor(this.#settings.signal, { as: `${count}/stop`, label });
    // Meanwhile a person may have changed the thread, as is usual at such a stop.
    await this.#ctx.step(`${count}/look`, async (step) => {
      step.set({ from: await positionOf(this.#graph, this.#taken.config) });
    });
  }
}

/** The second attempt of a step may find that the first one has given answers. */
function attempted(given: Given, attempt: number): Given {
  if (given.kind === 'enter' || given.answers.size === 0 || attempt === 1) return given;
  return { ...given, mayBeGiven: true };
}

/** Those of the nodes that a list of the graph names; a star stands for all. */
function named(nodes: readonly string[], list: unknown): readonly string[] {
  if (list === '*') return nodes;
  return Array.isArray(list) ? nodes.filter((node) => list.includes(node)) : [];
}

/** For logs and pages: the nodes, where they make a name. */
function nameOf(nodes: readonly string[]): string {
  const name = nodes.join('+');
  return /^[\w.+:-]{1,64}$/.test(name) ? name : 'superstep';
}

/** What `invoke` would return. */
async function valuesOf(graph: CompiledGraph, config: GraphConfig): Promise<unknown> {
  const { values } = await graph.getState(config);
  const { outputChannels: channels } = graph;
  if (!Array.isArray(channels) || typeof values !== 'object' || values === null)
    return toPlain(values);
  const known = values as Readonly<Record<string, unknown>>;
  return toPlain(
    Object.fromEntries(
      channels.flatMap((name: string) => (Object.hasOwn(known, name) ? [[name, known[name]]] : [])),
    ),
  );
}

function tooMany(limit: number): NonRetryableError {
  return new NonRetryableError(
    `The graph has not ended after ${limit} supersteps. The thread keeps what it has done. ` +
      'Mend the graph, or raise recursionLimit of durableGraph.',
  );
}
