/**
 * `pawl/otel`: OpenTelemetry spans, for a process that has set up an SDK of its own.
 *
 *   await Pawl.open({ redis, tracing: openTelemetry() })
 *
 *   root: 'execution'   POST /orders        execute order ── step charge      execute order ── step ship
 *   (default)           └─ start  ◀──link────────┘   ◀───────────link──────────────┘       each a trace of its own
 *
 *   root: 'run'         POST /orders ─┬─ execute order ── step charge
 *                                     └─ execute order ── step ship                        one trace
 *
 * The carrier in the log says where an execution belongs. By execution, each leaves its own. By run, each passes on what it
 * has found, so all executions are parts of the span in which the run was started; without one, of the first execution. A
 * worker that dies has not sent its span, as with every tracer. The carrier is in the log before the first step is.
 *
 * What handlers and steps do shows up inside, because they are called in the context of their span. No span ever has an
 * input, an output, a state or a signal: names, ids, times and errors only.
 */
import {
  type Attributes,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { recordError } from './core/error-record.ts';
import { nesting } from './core/fold.ts';
import { nodeOfTaskStep } from './core/graph.ts';
import { having, oneOf, optionsOf } from './core/option-rules.ts';
import type { ExecutionTrace, TracedStep, Tracing } from './core/tracing.ts';
import { attributeNames as names, eventNames, operations, spanNames } from './otel-names.ts';

/** Statuses and losses after which nothing is wrong with an execution. */
const fine: ReadonlySet<string> = new Set([
  'completed',
  'waiting',
  'queued',
  'handed-back',
  'cancelled',
]);

/** How spans are made, and what is one trace. */
export interface OpenTelemetryOptions {
  /** Default: that of the global provider, under the name `pawl`. */
  readonly tracer?: Tracer;
  /**
   * What is one trace. `execution` (default): each stretch of work of one worker, linked to the one before; runs that sleep
   * for days are seen at once. `run`: all that belongs to the call that has started the run.
   */
  readonly root?: 'execution' | 'run';
}

const checkOptions = optionsOf<OpenTelemetryOptions>({
  tracer: having('a tracer', 'startSpan'),
  root: oneOf('execution', 'run'),
});

/**
 * Spans for `Pawl.open({ tracing })`. docs/observability.md lists their names and attributes.
 * @throws InvalidError for an option that does not fit.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Tracing {
  checkOptions(options, 'openTelemetry options');
  const tracer = options.tracer ?? trace.getTracer('pawl');
  const isByRun = options.root === 'run';
  return {
    current: () => {
      const span = trace.getActiveSpan();
      return span === undefined ? undefined : format(span.spanContext());
    },
    execution: ({ run, workflow, worker, fence, kind, takeover }, from) => {
      const before = from === undefined ? undefined : parse(from);
      const isPart = isByRun && before !== undefined;
      const links: Link[] = before === undefined || isPart ? [] : [{ context: before }];
      const attributes = {
        [names.run]: run,
        [names.workflow]: workflow,
        [names.worker]: worker,
        [names.fence]: String(fence),
        ...(kind === 'agent' && {
          [names.operation]: operations.agent,
          [names.genAiWorkflow]: workflow,
          [names.conversation]: run,
        }),
      };
      const around = isPart ? trace.setSpanContext(ROOT_CONTEXT, before) : ROOT_CONTEXT;
      const about = { kind: SpanKind.CONSUMER, root: !isPart, links, attributes };
      const span = tracer.startSpan(spanNames.execution(workflow), about, around);
      if (takeover !== undefined) {
        span.addEvent(eventNames.takeover, {
          [names.takeoverFrom]: takeover.from,
          [names.takeoverReason]: takeover.reason,
          [names.takeoverDetectMs]: takeover.detectMs,
          [names.takeoverClaimMs]: takeover.claimMs,
        });
      }
      const carrier = isPart ? from : undefined;
      return traced(tracer, span, { run, carrier: carrier ?? format(span.spanContext()) });
    },
  };
}

function traced(
  tracer: Tracer,
  span: Span,
  { run, carrier }: { readonly run: string; readonly carrier: string },
): ExecutionTrace {
  const inside = trace.setSpan(ROOT_CONTEXT, span);
  return {
    carrier,
    within: (call) => context.with(inside, call),
    step: (step, body) => {
      // A step inside of a step: the span around it is the active one.
      const around = trace.getActiveSpan() === undefined ? inside : context.active();
      const attributes = stepAttributes(run, step);
      const part = tracer.startSpan(spanNames.step(step.name), { attributes }, around);
      return ending(part, () => context.with(trace.setSpan(around, part), body));
    },
    end: (how, error) => {
      span.setAttribute(names.end, how);
      if (!fine.has(how)) fail(span, error ?? how);
      span.end();
    },
  };
}

function stepAttributes(run: string, { name, attempt, kind }: TracedStep): Attributes {
  return {
    [names.step]: name,
    [names.attempt]: attempt,
    ...(kind !== undefined && { [names.operation]: operations[kind], [names.conversation]: run }),
    ...(kind === 'tool' && { [names.tool]: ownName(name) }),
  };
}

/** The name of a step inside of others, without theirs; that of a node when the step is a visit of one. */
function ownName(name: string): string {
  const own = name.split(nesting).at(-1) ?? name;
  return nodeOfTaskStep(own) ?? own;
}

/** Ends the span when the call, or the promise it returns, has ended. */
function ending<T>(span: Span, call: () => T): T {
  const failed = (error: unknown): never => {
    fail(span, error);
    span.end();
    throw error;
  };
  try {
    const result = call();
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    const ended = result.then((value: unknown) => {
      span.end();
      return value;
    }, failed);
    return ended as T;
  } catch (error) {
    return failed(error);
  }
}

/** Whatever was thrown is told in words: looking at it may throw. */
function fail(span: Span, error: unknown): void {
  const { name, message, stack, thrown } = recordError(error);
  if (thrown === undefined) {
    span.recordException({ name, message, ...(stack === undefined ? {} : { stack }) });
  }
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** As the header `traceparent` of W3C Trace Context has it. */
function format({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function parse(carrier: string): SpanContext | undefined {
  const [, traceId, spanId, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(carrier) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
