/**
 * Graphs: workflows made of nodes and edges around one shared, typed state. A graph compiles to a workflow, so everything
 * that holds for runs holds for its runs.
 */
import { DefinitionError } from '../../core/errors.ts';
import { checkNodeId } from '../../core/names.ts';
import {
  anything,
  callback,
  duration,
  listOf,
  needed,
  oneOf,
  optionsOf,
  plainObject,
  objectOf,
  type Rule,
  schema,
  text,
  wholeNumber,
} from '../../core/option-rules.ts';
import type { CheckpointExpiry } from '../../core/retention.ts';
import type { OutputOf, Schema } from '../../core/schema.ts';
import { stepKinds } from '../../core/tracing.ts';
import type { EventSchemas } from '../definition/context.ts';
import { definitionRules } from '../definition/definition-rules.ts';
import { checkRetry, checkUndo } from '../definition/options.ts';
import type { ArgsSchemas, Graph, GraphDefinition, NodeOptions } from './graph-definition.ts';
import { targetNode } from './graph-map.ts';
import { runGraph } from './graph-run.ts';
import type { AnyTarget, EdgeShape, GraphShape, NodeShape } from '../definition/graph-shape.ts';
import { defineWorkflow } from '../definition/workflow.ts';

const defaultCycleLimit = 1_000;
/** Of the checkpoints that nobody gave a label. */
const defaultExpiry: CheckpointExpiry = { keepNewest: 50, unlabelledOnly: true };

/**
 * Checks a graph and makes a workflow of it.
 *
 * Each visit of a node is a step. Its result, its change of the state and its next tasks are stored in one commit. A
 * visit that is stored never runs again. A visit that was at work when its worker died runs again; steps and waits
 * inside of it that had completed keep their results. A node that fails, fails the run.
 * @throws InvalidError for a bad name or node id.
 * @throws DefinitionError when an edge, the start or a limit names no node, or the state has no defaults.
 */
export function defineGraph<
  const Id extends string,
  Input extends Schema<unknown, unknown> = Schema,
  S extends Schema<unknown, object> = Schema<object, Record<never, never>>,
  E extends EventSchemas = Record<never, never>,
  G extends EventSchemas = Record<never, never>,
  A extends ArgsSchemas = Record<never, never>,
  Output = OutputOf<S>,
>(definition: GraphDefinition<Input, S, E, G, A, Id, Output>): Graph<Input, S, E, Output, G> {
  checkDefinition(definition, 'graph definition');
  const graph = compile(definition as unknown as AnyGraphDefinition);
  const { name, version, input, state, events, reduce, signals, retry, concurrency, rate } =
    definition;
  const { signalKeys, stepRetry, retention, expireCheckpoints = defaultExpiry } = definition;
  const { onEnd, keepOutput, undoOn, kind } = definition;
  const { concurrencyPerKey, concurrencyOfKeys, ratePerKey, onBusy, debounceMax } = definition;
  const workflow = defineWorkflow<Input, S, E, Output, G>({
    name,
    ...(version === undefined ? {} : { version }),
    ...(kind === undefined ? {} : { kind }),
    ...(input === undefined ? {} : { input }),
    ...(state === undefined ? {} : { state }),
    ...(events === undefined ? {} : { events }),
    ...(reduce === undefined ? {} : { reduce }),
    ...(signals === undefined ? {} : { signals }),
    ...(signalKeys === undefined ? {} : { signalKeys }),
    ...(retry === undefined ? {} : { retry }),
    ...(stepRetry === undefined ? {} : { stepRetry }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rate === undefined ? {} : { rate }),
    ...(concurrencyPerKey === undefined ? {} : { concurrencyPerKey }),
    ...(concurrencyOfKeys === undefined ? {} : { concurrencyOfKeys }),
    ...(ratePerKey === undefined ? {} : { ratePerKey }),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(debounceMax === undefined ? {} : { debounceMax }),
    ...(retention === undefined ? {} : { retention }),
    expireCheckpoints,
    ...(onEnd === undefined ? {} : { onEnd }),
    ...(keepOutput === undefined ? {} : { keepOutput }),
    ...(undoOn === undefined ? {} : { undoOn }),
    run: async (ctx, given) => (await runGraph(ctx, graph, given)) as Output,
  });
  return { ...workflow, graph };
}

type AnyDefinition = GraphDefinition<
  Schema,
  Schema<unknown, object>,
  EventSchemas,
  EventSchemas,
  ArgsSchemas,
  string,
  unknown
>;

const checkDefinition: Rule = optionsOf<AnyDefinition>({
  ...definitionRules,
  checkpoints: oneOf('nodes', 'asked'),
  args: objectOf(schema),
  start: needed(text, 'It names the first node.'),
  nodes: needed(plainObject),
  edges: plainObject,
  merge: objectOf(callback),
  cycles: optionsOf<NonNullable<AnyDefinition['cycles']>>({
    limit: wholeNumber(1),
    nodes: objectOf(wholeNumber(1)),
  }),
  output: callback,
});

const checkNode: Rule = optionsOf<NodeOptions<unknown, string>>({
  run: needed(callback),
  retry: checkRetry,
  timeout: duration,
  undo: checkUndo,
  kind: oneOf(...stepKinds),
  to: listOf(text),
});

const checkTarget: Rule = optionsOf<{ readonly node: string; readonly args?: unknown }>({
  node: needed(text),
  args: anything,
});

const checkEdge: Rule = optionsOf<{ readonly to: readonly string[]; readonly when: unknown }>({
  to: needed(listOf(text)),
  when: needed(callback),
});

type Body = NodeShape['run'];
type AnyEdge =
  | AnyTarget
  | readonly AnyTarget[]
  | EdgeShape['choose']
  | { readonly to: readonly string[]; readonly when: EdgeShape['choose'] };

interface AnyGraphDefinition {
  readonly name: string;
  readonly start: string;
  readonly checkpoints?: unknown;
  readonly nodes: Readonly<Record<string, Body | NodeOptions<Body, string>>>;
  readonly edges?: Readonly<Record<string, AnyEdge>>;
  readonly args?: ArgsSchemas;
  readonly merge?: GraphShape['merge'];
  readonly cycles?: { readonly limit?: number; readonly nodes?: Readonly<Record<string, number>> };
  readonly output?: (state: unknown) => unknown;
}

function compile(definition: AnyGraphDefinition): GraphShape {
  const { name, start, nodes, edges = {}, args = {}, merge = {}, cycles = {} } = definition;
  const { checkpoints = 'nodes' } = definition;
  const wrong = (what: string): never => {
    throw new DefinitionError(`Graph ${name}: ${what}`);
  };
  const known = (node: string, where: string): void => {
    if (!Object.hasOwn(nodes, node)) wrong(`${where} names "${node}", which is no node of it.`);
  };
  known(start, 'start');
  if (Object.hasOwn(args, start)) wrong('the first node has nobody to give it arguments.');
  for (const node of Object.keys(args)) known(node, 'args');
  for (const node of Object.keys(edges)) known(node, 'edges');
  for (const node of Object.keys(cycles.nodes ?? {})) known(node, 'cycles.nodes');
  const shapes = new Map<string, NodeShape>();
  for (const [id, node] of Object.entries(nodes)) {
    checkNodeId(id);
    if (typeof node !== 'function') checkNode(node, `graph definition.nodes.${id}`);
    const options = typeof node === 'function' ? { run: node } : node;
    const given = edges[id];
    const edge = given === undefined ? undefined : compileEdge(given, `edges.${id}`);
    for (const target of [...(options.to ?? []), ...(edge?.to ?? [])]) {
      if (target !== 'end') known(target, `a way out of node ${id}`);
    }
    const cycleLimit = cycles.nodes?.[id] ?? cycles.limit ?? defaultCycleLimit;
    const { run, retry, timeout, to, undo, kind } = options;
    shapes.set(id, {
      id,
      run,
      retry,
      timeout,
      kind,
      to,
      edge,
      cycleLimit,
      undo: undo as NodeShape['undo'],
    });
  }
  const keepsVisits = checkpoints === 'nodes';
  return { name, start, keepsVisits, nodes: shapes, args, merge, output: definition.output };
}

function compileEdge(edge: AnyEdge, field: string): EdgeShape {
  if (typeof edge === 'function') return { to: undefined, choose: edge, isConditional: true };
  if (typeof edge === 'object' && 'when' in edge) {
    checkEdge(edge, field);
    return { to: edge.to, choose: edge.when, isConditional: true };
  }
  for (const target of [edge].flat()) if (typeof target !== 'string') checkTarget(target, field);
  const targets = Array.isArray(edge) ? (edge as readonly AnyTarget[]) : [edge as AnyTarget];
  return { to: targets.map(targetNode), choose: () => targets, isConditional: false };
}
