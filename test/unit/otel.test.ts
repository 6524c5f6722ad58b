// Goal: each execution of a run is a trace of its own that shows where it came from, across the death of a worker.
// Method: the SDK's exporter in memory; the memory store, in which a worker can vanish.
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { openTelemetry } from 'pawl/otel';
import { z } from 'zod';
import { nesting } from '../../src/core/fold.ts';
import { memoryPawl } from '../support/memory.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(() => exporter.reset());
afterAll(() => context.disable());

const named = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name);

test('steps are parts of their execution, and the run is linked to who started it', async () => {
  await using pawl = memoryPawl({ tracing: openTelemetry({ tracer }) }).pawl;
  const pay = defineWorkflow({
    name: 'pay',
    async run(ctx) {
      await ctx.step('charge', async (step) => {
        // Whatever the body traces is inside of it.
        tracer.startSpan('http').end();
        await step.step('inner', () => Promise.resolve(1));
      });
      await ctx.step('fail', () => Promise.reject(new Error('no money')));
    },
  });
  pawl.worker({ workflows: [pay] });
  const request = tracer.startSpan('request');
  const run = await context.with(trace.setSpan(context.active(), request), () =>
    pawl.start(pay, undefined),
  );
  request.end();
  await expect(run.result({ timeoutMs: 20_000 })).rejects.toThrow('no money');

  const [execution] = named('execute pay');
  const [charge] = named('step charge');
  const [inner] = named(`step charge${nesting}inner`);
  const [http] = named('http');
  const [failed] = named('step fail');
  expect(execution?.parentSpanContext).toBeUndefined();
  expect(execution?.links.map((link) => link.context.spanId)).toEqual([
    request.spanContext().spanId,
  ]);
  expect(execution?.attributes).toMatchObject({
    'pawl.run.id': run.id,
    'pawl.execution.end': 'failed',
  });
  expect(execution?.status.code).toBe(SpanStatusCode.ERROR);
  const parents = [charge, inner, http, failed].map((span) => span?.parentSpanContext?.spanId);
  const ids = [execution, charge].map((span) => span?.spanContext().spanId);
  expect(parents).toEqual([ids[0], ids[1], ids[1], ids[0]]);
  expect(failed?.status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'no money' });
  expect(failed?.events[0]?.name).toBe('exception');
});

test('an execution after the death of a worker is linked to the one before', async () => {
  const { pawl, store } = memoryPawl({ tracing: openTelemetry({ tracer }) });
  const bodies = { begun: 0 };
  const long = defineWorkflow({
    name: 'long',
    signals: { go: z.object({}) },
    async run(ctx) {
      await ctx.step('first', () => 1);
      await ctx.step('second', () => {
        bodies.begun += 1;
        return bodies.begun === 1 ? new Promise(() => undefined) : 2;
      });
    },
  });
  const first = pawl.worker({ workflows: [long], sweepMs: 10 });
  await first.ready();
  const run = await pawl.start(long, undefined);
  while (bodies.begun === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const second = pawl.worker({ workflows: [long], sweepMs: 10 });
  await second.ready();
  store.vanish(first.id);
  await run.result({ timeoutMs: 10_000 });
  const traced: string[] = [];
  for await (const { type, data } of run.events()) {
    if (type === 'run.traced') traced.push((data as { trace: string }).trace);
  }
  // The body that never ends is not waited for.
  await pawl.close({ graceMs: 0 });

  // The worker that vanished for the store lives on here, and may be the one that claims again.
  const execution = named('execute long').find(
    ({ attributes }) => attributes['pawl.execution.end'] === 'completed',
  );
  expect(traced).toHaveLength(2);
  expect(execution?.links).toHaveLength(1);
  expect(traced[0]).toContain(execution?.links[0]?.context.traceId);
  expect(traced[1]).toContain(execution?.spanContext().traceId);
  expect(execution?.links[0]?.context.traceId).not.toBe(execution?.spanContext().traceId);
  expect(execution?.events[0]).toMatchObject({
    name: 'takeover',
    attributes: { 'pawl.takeover.from': first.id },
  });
});

test('without a tracer nothing is noted', async () => {
  await using pawl = memoryPawl().pawl;
  const plain = defineWorkflow({ name: 'plain', run: (ctx) => ctx.step('one', () => 1) });
  pawl.worker({ workflows: [plain] });
  const run = await pawl.start(plain, undefined);
  await run.result({ timeoutMs: 20_000 });
  const types: string[] = [];
  for await (const { type } of run.events()) types.push(type);
  expect(types).not.toContain('run.traced');
});
