/**
 * `pawl/otel`: OpenTelemetry spans, for a process that has set up an SDK of its own.
 *
 *   await Pawl.open({ redis, tracing: openTelemetry() })
 *
 * One trace for each execution of a run: a root span `execute <workflow>`, and in it a span for each body of a step. The
 * root is linked to the execution before it, and the first one to the span in which the run was started. What handlers and
 * steps do shows up inside, because they are called in the context of their span.
 */
import {
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
import { having, optionsOf } from './core/option-rules.ts';
import type { ExecutionTrace, Tracing } from './core/tracing.ts';

/** Statuses and losses after which nothing is wrong with an execution. */
const fine: ReadonlySet<string> = new Set([
  'completed',
  'waiting',
  'queued',
  'handed-back',
  'cancelled',
]);

const checkOptions = optionsOf<{ readonly tracer?: Tracer }>({
  tracer: having('a tracer', 'startSpan'),
});

/** Spans for `Pawl.open({ tracing })`. `tracer`: default that of the global provider, under the name pawl. */
export function openTelemetry(options: { readonly tracer?: Tracer } = {}): Tracing {
  checkOptions(options, 'openTelemetry options');
  const tracer = options.tracer ?? trace.getTracer('pawl');
  return {
    current: () => {
      const span = trace.getActiveSpan();
      return span === undefined ? undefined : format(span.spanContext());
    },
    execution: ({ run, workflow, worker, fence, takeover }, from) => {
      const linked = from === undefined ? undefined : parse(from);
      const links: Link[] = linked === undefined ? [] : [{ context: linked }];
      const attributes = {
        'pawl.run.id': run,
        'pawl.workflow.name': workflow,
        'pawl.worker.id': worker,
        'pawl.fence': String(fence),
      };
      const about = { kind: SpanKind.CONSUMER, root: true, links, attributes };
      const span = tracer.startSpan(`execute ${workflow}`, about, ROOT_CONTEXT);
      if (takeover !== undefined) {
        span.addEvent('takeover', {
          'pawl.takeover.from': takeover.from,
          'pawl.takeover.reason': takeover.reason,
          'pawl.takeover.detect_ms': takeover.detectMs,
          'pawl.takeover.claim_ms': takeover.claimMs,
        });
      }
      return traced(tracer, span);
    },
  };
}

function traced(tracer: Tracer, span: Span): ExecutionTrace {
  const inside = trace.setSpan(ROOT_CONTEXT, span);
  return {
    carrier: format(span.spanContext()),
    within: (call) => context.with(inside, call),
    step: ({ name, attempt }, body) => {
      const attributes = { 'pawl.step.name': name, 'pawl.step.attempt': attempt };
      // A step inside of a step: the span around it is the active one.
      const around = trace.getActiveSpan() === undefined ? inside : context.active();
      const part = tracer.startSpan(`step ${name}`, { attributes }, around);
      return ending(part, () => context.with(trace.setSpan(around, part), body));
    },
    end: (how, error) => {
      span.setAttribute('pawl.execution.end', how);
      if (!fine.has(how)) fail(span, error ?? how);
      span.end();
    },
  };
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
