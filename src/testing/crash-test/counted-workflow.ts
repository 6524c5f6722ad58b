/** A workflow that tells of every call of a step's body, under the name the step has in its run. */
import { nesting } from '../../core/fold.ts';
import { undoName } from '../../core/undo.ts';
import type { Context, StepContext } from '../../engine/definition/context.ts';
import type { RunEnd } from '../../engine/definition/end-hook.ts';
import { never } from '../../engine/execution/never.ts';
import type { AnyWorkflow } from '../../engine/definition/workflow.ts';

export interface BodyWatch {
  /** True when the process of this handler is dead: then no body begins. */
  readonly isDead: () => boolean;
  /** A body begins; what is returned is called when it has ended. */
  readonly onBody: (run: string, step: string) => () => unknown;
}

/** As a `BodyWatch`, of one run. */
interface RunWatch {
  readonly isDead: () => boolean;
  readonly onBody: (step: string) => () => unknown;
}

type Body = (step: StepContext) => unknown;
type MapBody = (item: unknown, step: StepContext, index: number) => unknown;
type Call = (name: string, body: Body, ...rest: readonly unknown[]) => Promise<unknown>;
type MapCall = (
  name: string,
  items: readonly unknown[],
  body: MapBody,
  ...rest: readonly unknown[]
) => Promise<unknown>;

export function countedWorkflow(workflow: AnyWorkflow, watch: BodyWatch): AnyWorkflow {
  const { definition } = workflow;
  const run = (ctx: Context, input: unknown): unknown =>
    definition.run(countedContext(ctx, watch), input);
  const onEnd = (ctx: Context, end: RunEnd): unknown =>
    definition.onEnd?.(countedContext(ctx, watch), end);
  const counted = { ...definition, run, ...(definition.onEnd === undefined ? {} : { onEnd }) };
  return { ...workflow, definition: counted };
}

function countedContext(ctx: Context, { isDead, onBody }: BodyWatch): Context {
  const watch: RunWatch = { isDead, onBody: (name) => onBody(ctx.run, name) };
  const step = ctx.step.bind(ctx) as Call;
  const effect = ctx.effect.bind(ctx) as unknown as Call;
  const map = ctx.map.bind(ctx) as unknown as MapCall;
  const counted = {
    step: (name: string, body: Body, ...rest: unknown[]) =>
      step(name, countedBody(name, body, watch), ...countedOptions(name, rest, watch)),
    effect: (name: string, body: Body, ...rest: unknown[]) =>
      effect(name, countedBody(name, body, watch), ...countedOptions(name, rest, watch)),
    map: (name: string, items: readonly unknown[], body: MapBody, ...rest: unknown[]) => {
      const one: MapBody = (item, at, index) =>
        countedBody(`${name}:${index}`, (inner) => body(item, inner, index), watch)(at);
      return map(name, items, one, ...countedMapOptions(name, rest, watch));
    },
  };
  return overlay(ctx, counted);
}

/** The options of a step whose undo is told of as well. */
function countedOptions(name: string, rest: readonly unknown[], watch: RunWatch): unknown[] {
  type Undo = (result: unknown, undo: StepContext) => unknown;
  return withUndo(rest, (call: Undo): Undo => {
    return (result, undo) => countedBody(undoName(name), (step) => call(result, step), watch)(undo);
  });
}

/** As of a step, of a map. */
function countedMapOptions(name: string, rest: readonly unknown[], watch: RunWatch): unknown[] {
  type Undo = (item: unknown, result: unknown, undo: StepContext, index: number) => unknown;
  return withUndo(rest, (call: Undo): Undo => {
    return (item, result, undo, index) => {
      const body: Body = (step) => call(item, result, step, index);
      return countedBody(undoName(`${name}:${index}`), body, watch)(undo);
    };
  });
}

/** Options whose undo is made of the one that is given, if one is. */
function withUndo<Undo>(rest: readonly unknown[], made: (call: Undo) => Undo): unknown[] {
  const [options, ...more] = rest as [{ readonly undo?: unknown } | undefined];
  const given = options?.undo;
  if (given === undefined) return [...rest];
  if (typeof given === 'function') return [{ ...options, undo: made(given as Undo) }, ...more];
  const { run } = given as { readonly run: Undo };
  return [{ ...options, undo: { ...given, run: made(run) } }, ...more];
}

function countedBody(name: string, body: Body, watch: RunWatch): Body {
  return async (context) => {
    if (watch.isDead()) return never();
    const ended = watch.onBody(name);
    try {
      const step = context.step.bind(context) as Call;
      const inner: Call = (innerName, innerBody, ...rest) =>
        step(innerName, countedBody(`${name}${nesting}${innerName}`, innerBody, watch), ...rest);
      return await body(overlay(context, { step: inner }));
    } finally {
      ended();
    }
  };
}

/** The same object, with some of its methods replaced. */
function overlay<T extends object>(base: T, methods: object): T {
  return new Proxy(base, {
    get: (target, key): unknown => Reflect.get(Object.hasOwn(methods, key) ? methods : target, key),
  });
}
