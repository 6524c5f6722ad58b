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
import { defineGraph, defineWorkflow } from 'pawl';
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

const part = defineWorkflow({ name: 'part', run: () => 'part' });

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

test('by run, all executions are parts of the call that started it, also after the death of a worker', async () => {
  const { pawl, store } = memoryPawl({ tracing: openTelemetry({ tracer, root: 'run' }) });
  let begun = 0;
  const whole = defineWorkflow({
    name: 'whole',
    async run(ctx) {
      // Its commit has the carrier of the first execution.
      await ctx.step('zero', () => 0);
      await ctx.step('one', () => {
        begun += 1;
        return begun === 1 ? new Promise(() => undefined) : 1;
      });
      await ctx.sleep('5ms');
      return ctx.start(part, undefined).then((child) => child.result());
    },
  });
  const first = pawl.worker({ workflows: [whole, part], sweepMs: 10 });
  await first.ready();
  const request = tracer.startSpan('request');
  const run = await context.with(trace.setSpan(context.active(), request), () => pawl.start(whole));
  request.end();
  await expect.poll(() => begun).toBe(1);
  await pawl.worker({ workflows: [whole, part], sweepMs: 10 }).ready();
  store.vanish(first.id);
  expect(await run.result({ timeoutMs: 10_000 })).toBe('part');
  await pawl.close({ graceMs: 0 });

  const { traceId, spanId } = request.spanContext();
  const executions = named('execute whole');
  expect(executions.length).toBeGreaterThanOrEqual(2);
  for (const span of executions) {
    const { parentSpanContext, links } = span;
    expect({ parent: parentSpanContext?.spanId, links }).toEqual({ parent: spanId, links: [] });
    expect(span.spanContext().traceId).toBe(traceId);
  }
  // A child was started inside of an execution: it is in the same trace.
  expect(named('execute part').map((span) => span.spanContext().traceId)).toEqual([traceId]);
});

test('by run, without a caller the first execution is the root of the others', async () => {
  await using pawl = memoryPawl({ tracing: openTelemetry({ tracer, root: 'run' }) }).pawl;
  const alone = defineWorkflow({
    name: 'alone',
    signals: { go: z.object({}) },
    run: async (ctx) => {
      await ctx.step('one', () => 1);
      await ctx.waitFor('go');
      await ctx.step('two', () => 2);
    },
  });
  const worker = pawl.worker({ workflows: [alone] });
  const run = await pawl.start(alone);
  await expect.poll(async () => (await run.info()).status).toBe('waiting');
  await worker.close();
  pawl.worker({ workflows: [alone] });
  await run.signal('go', {});
  await run.result({ timeoutMs: 10_000 });
  const [root, second] = named('execute alone');
  expect(root?.parentSpanContext).toBeUndefined();
  expect(second?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
});

test('an agent has the attributes of generative AI, and nothing of what it says', async () => {
  await using pawl = memoryPawl({ tracing: openTelemetry({ tracer }) }).pawl;
  const secret = 'the patient’s name';
  const agent = defineWorkflow({
    name: 'support',
    kind: 'agent',
    input: z.object({ question: z.string() }),
    state: z.object({ said: z.array(z.string()).default([]) }),
    run: async (ctx, { question }) => {
      const answer = await ctx.step('think', () => `about ${question}`, { kind: 'model' });
      await ctx.set({ said: [answer] });
      await ctx.step('act', (step) => step.step('inner', () => answer, { kind: 'tool' }));
      await ctx.map('search', [question], () => answer, { kind: 'tool' });
      return ctx.effect('refund', () => answer, { onDoubt: 'ask', kind: 'tool' });
    },
  });
  pawl.worker({ workflows: [agent] });
  const run = await pawl.start(agent, { question: secret });
  await run.result({ timeoutMs: 10_000 });
  const conversation = { 'gen_ai.conversation.id': run.id };
  expect(named('execute support')[0]?.attributes).toMatchObject({
    ...conversation,
    'gen_ai.operation.name': 'invoke_workflow',
    'gen_ai.workflow.name': 'support',
  });
  const told = exporter
    .getFinishedSpans()
    .filter(({ attributes }) => attributes['pawl.step.name'] !== undefined)
    .map(({ attributes }) => [
      attributes['gen_ai.operation.name'],
      attributes['gen_ai.tool.name'],
      attributes['gen_ai.conversation.id'],
    ]);
  expect(told).toEqual([
    ['chat', undefined, run.id],
    ['execute_tool', 'inner', run.id],
    [undefined, undefined, undefined],
    ['execute_tool', expect.stringContaining('search'), run.id],
    ['execute_tool', 'refund', run.id],
  ]);
  for (const { attributes, events } of exporter.getFinishedSpans()) {
    expect(JSON.stringify([attributes, events])).not.toContain(secret);
  }
});

test('nodes of a graph say what they are, as steps do', async () => {
  await using pawl = memoryPawl({ tracing: openTelemetry({ tracer }) }).pawl;
  const graph = defineGraph({
    name: 'researcher',
    kind: 'agent',
    start: 'think',
    nodes: {
      think: { run: () => undefined, kind: 'model' },
      search: { run: (ctx) => void ctx.visit, kind: 'tool' },
      plain: () => undefined,
    },
    edges: { think: 'search', search: 'plain' },
  });
  pawl.worker({ workflows: [graph] });
  const run = await pawl.start(graph, undefined);
  await run.result({ timeoutMs: 10_000 });
  const told = ['think', 'search', 'plain'].map((node) => {
    const attributes = named(`step node:${node}:1`)[0]?.attributes ?? {};
    return [attributes['gen_ai.operation.name'], attributes['gen_ai.tool.name']];
  });
  expect(told).toEqual([
    ['chat', undefined],
    ['execute_tool', 'search'],
    [undefined, undefined],
  ]);
});

test('kinds and roots that there are not', () => {
  const run = (): void => undefined;
  expect(() => defineWorkflow({ name: 'a', kind: 'robot' as never, run })).toThrow(
    'workflow definition.kind',
  );
  const nodes = { a: { run, kind: 'robot' as never } };
  expect(() => defineGraph({ name: 'a', start: 'a', nodes })).toThrow('nodes.a.kind');
  expect(() => openTelemetry({ root: 'trace' as never })).toThrow('openTelemetry options.root');
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
