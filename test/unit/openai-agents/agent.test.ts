// Goal: an agent of OpenAI's SDK goes on where it was: no call that is stored is made again, its session has each item one
// time, and people are asked in the inbox. Method: a model of the test's own; the memory store, and a crash before and
// behind each write.
import { Agent, type AgentInputItem, type FunctionTool, run, Runner, tool } from '@openai/agents';
import { RunState } from '@openai/agents';
import { afterEach, expect, test } from 'vitest';
import { defineWorkflow, type Pawl, type Workflow } from 'pawl';
import {
  approvalSchema,
  durableAgent,
  PawlSession,
  stepOf,
  uiMessageStream,
} from 'pawl/openai-agents';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { memoryPawl } from '../../support/memory.ts';
import { hasResult, type Script, scripted } from '../../support/openai-agents.ts';

const refundCall = { id: 'call-1', tool: 'refund', input: { order: 'o-7' } };
const refundThenEnd: Script = (items) =>
  hasResult(items)
    ? { words: ['All ', 'is ', 'paid.'] }
    : { words: ['Let me ', 'see. '], calls: [refundCall] };
type Refund = (input: { order: string }, context?: unknown, details?: object) => unknown;
const refundTool = (execute: Refund, more: { needsApproval?: boolean } = {}): FunctionTool =>
  tool({
    name: 'refund',
    description: 'Refunds an order.',
    parameters: z.object({ order: z.string() }),
    execute,
    ...more,
  }) as unknown as FunctionTool;

let opened: Pawl | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

function play(workflow: Workflow<never>): Pawl {
  const { pawl } = memoryPawl();
  pawl.worker({ workflows: [workflow] });
  opened = pawl;
  return pawl;
}

async function stepsOf(pawl: Pawl, id: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { type, data } of pawl.run(id).events()) {
    if (type === 'step.completed') names.push((data as { name: string }).name);
  }
  return names;
}

async function toldOf(pawl: Pawl, id: string): Promise<unknown[]> {
  const told: unknown[] = [];
  for await (const chunk of uiMessageStream(pawl.run(id))) told.push(chunk);
  return told;
}

test.each([true, false])(
  'each call of the model and of a tool is a step, and pages are told all of it; stream: %s',
  async (stream) => {
    const keys: unknown[] = [];
    const given: unknown[] = [];
    const workflow = defineWorkflow({
      name: 'support',
      signals: { approval: approvalSchema },
      async run(ctx) {
        const durable = durableAgent(ctx);
        const refund = refundTool(({ order }, _, details) => {
          keys.push(stepOf(details)?.idempotencyKey);
          return `paid ${order}`;
        });
        const support = new Agent({
          name: 'support',
          model: durable.model(scripted(refundThenEnd)),
          tools: durable.tools([refund], { refund: { approve: false } }),
        });
        if (!stream) {
          const result = await run(support, 'Where is my money?');
          return [result.finalOutput, result.rawResponses.length, result.state.usage.totalTokens];
        }
        const result = await run(support, 'Where is my money?', { stream: true });
        for await (const event of result) {
          if (event.type === 'raw_model_stream_event') given.push(event.data.type);
        }
        await result.completed;
        return [result.finalOutput, result.rawResponses.length, result.state.usage.totalTokens];
      },
    });
    const pawl = play(workflow as never);
    const started = await pawl.start(workflow, undefined);
    expect(await started.result()).toEqual(['All is paid.', 2, 10]);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    const steps = ['answer/model:0', 'answer/tool:call-1', 'answer/model:1'];
    expect(await stepsOf(pawl, started.id)).toEqual(steps);
    const delta = { type: 'text-delta', id: '0' };
    const texts = (...words: string[]): object[] =>
      (stream ? words : [words.join('')]).map((word) => ({ ...delta, delta: word }));
    const toolCallId = 'call-1';
    const input = { toolCallId, toolName: 'refund', input: { order: 'o-7' } };
    expect(await toldOf(pawl, started.id)).toEqual([
      { type: 'start', messageId: `${started.id}:answer` },
      { type: 'start-step' },
      { type: 'text-start', id: '0' },
      ...texts('Let me ', 'see. '),
      { type: 'text-end', id: '0' },
      { ...input, type: 'tool-input-available' },
      { type: 'finish-step' },
      { type: 'tool-output-available', toolCallId, output: 'paid o-7' },
      { type: 'start-step' },
      { type: 'text-start', id: '0' },
      ...texts('All ', 'is ', 'paid.'),
      { type: 'text-end', id: '0' },
      { type: 'finish-step' },
      { type: 'finish' },
    ]);
    // The provider's own events are not stored.
    expect(new Set(given)).toEqual(
      new Set(stream ? ['response_started', 'output_text_delta', 'response_done'] : []),
    );
  },
);

test('a death at any write changes nothing: no stored call again, no item of the session twice', async () => {
  const made: string[] = [];
  let since = 0;
  let sessions = 0;
  const { pawl } = memoryPawl();
  opened = pawl;
  const workflow = defineWorkflow({
    name: 'support',
    signals: { approval: approvalSchema },
    input: z.object({ text: z.string() }),
    async run(ctx, { text }) {
      const durable = durableAgent(ctx);
      const script: Script = (items) => {
        made.push(hasResult(items) ? 'model:1' : 'model:0');
        return hasResult(items) ? { words: ['Paid.'] } : { calls: [refundCall] };
      };
      const refund = refundTool(() => {
        made.push('tool');
        return 'paid';
      });
      const support = new Agent({
        name: 'support',
        model: durable.model(scripted(script)),
        tools: durable.tools([refund], { refund: { approve: true } }),
      });
      const session = new PawlSession(pawl, { sessionId: `s${sessions}` });
      const result = await run(support, text, { session: durable.session(session) });
      const items = await ctx.step('history', () => session.getItems());
      return [result.finalOutput, ...items.map((item) => item.type)];
    },
  });
  const report = await crashTest(
    workflow,
    { text: 'Where?' },
    {
      signals: [{ name: 'approval', payload: { approved: true }, key: 'call-1' }],
      setUp: () => {
        since = made.length;
        sessions += 1;
      },
      // A crash repeats one call at most: the one that was at work.
      observe: () => made.length - since <= 4,
    },
  );
  expect(report.violations).toEqual([]);
  expect(report.crashes).toBeGreaterThan(30);
}, 60_000);

test('people agree and refuse in the inbox, as the tool or the options ask them', async () => {
  const calls = [refundCall, { ...refundCall, id: 'call-2', input: { order: 'o-8' } }];
  let seen: readonly AgentInputItem[] = [];
  const workflow = defineWorkflow({
    name: 'asks',
    signals: { approval: approvalSchema },
    async run(ctx) {
      const durable = durableAgent(ctx);
      const script: Script = (items) => {
        if (!hasResult(items)) return { calls };
        seen = items;
        return { words: ['Done.'] };
      };
      const asks = new Agent({
        name: 'asks',
        model: durable.model(scripted(script)),
        tools: durable.tools([refundTool(() => 'paid', { needsApproval: true })]),
      });
      const { finalOutput, interruptions } = await run(asks, 'Pay both.');
      return [finalOutput, interruptions];
    },
  });
  const pawl = play(workflow as never);
  const started = await pawl.start(workflow, undefined);
  await expect.poll(async () => (await started.info()).waits).toHaveLength(2);
  const [first] = (await pawl.list({ waitsFor: 'approval', waitKey: 'call-1' })).runs;
  expect(first?.waits.find(({ key }) => key === 'call-1')).toMatchObject({
    name: 'answer/approval:call-1',
    label: 'May refund be called with {"order":"o-7"}?',
  });
  await started.answer('answer/approval:call-1', { approved: true }, { actor: 'ada' });
  await started.answer('answer/approval:call-2', { approved: false, reason: 'too much' });
  expect(await started.result()).toEqual(['Done.', []]);
  const results = seen.filter(({ type }) => type === 'function_call_result');
  expect(JSON.stringify(results[0])).toContain('paid');
  expect(JSON.stringify(results[1])).toContain('This call was refused: too much.');
});

test('a worker that lets go in the middle of a tool leaves no answer of the SDK in the log', async () => {
  let times = 0;
  const workflow = defineWorkflow({
    name: 'slow',
    async run(ctx) {
      const durable = durableAgent(ctx);
      const slow = refundTool(async (_, _context, details) => {
        times += 1;
        if (times > 1) return 'paid at last';
        const { signal } = details as { signal: AbortSignal };
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('let go')));
        });
        return 'never';
      });
      const agent = new Agent({
        name: 'slow',
        model: durable.model(scripted(refundThenEnd)),
        tools: durable.tools([slow]),
      });
      return (await run(agent, 'Pay.')).history.find(({ type }) => type === 'function_call_result');
    },
  });
  const { pawl } = memoryPawl();
  opened = pawl;
  const first = pawl.worker({ workflows: [workflow] });
  const started = await pawl.start(workflow, undefined);
  await expect.poll(() => times).toBe(1);
  await first.close({ graceMs: 200 });
  pawl.worker({ workflows: [workflow] });
  expect(JSON.stringify(await started.result())).toContain('paid at last');
});

test('a session in a handler: what was read stays read, and what was taken is taken once', async () => {
  const workflow = defineWorkflow({
    name: 'session',
    async run(ctx) {
      const pawl = opened as Pawl;
      const session = durableAgent(ctx).session(new PawlSession(pawl, { sessionId: 'one' }));
      const before = await session.getItems();
      await session.addItems([{ role: 'user', content: 'mine' }]);
      const popped = await session.popItem();
      const id = await session.getSessionId();
      await ctx.waitFor('go');
      return { before, popped, id, none: await session.popItem() };
    },
    signals: { go: z.unknown() },
  });
  const pawl = play(workflow as never);
  const outside = new PawlSession(pawl, { sessionId: 'one' });
  const started = await pawl.start(workflow, undefined);
  await expect.poll(async () => (await started.info()).waits).toHaveLength(1);
  await outside.addItems([{ role: 'user', content: 'theirs' }]);
  await started.signal('go', undefined);
  const theirs = { role: 'user', content: 'theirs' };
  expect(await started.result()).toEqual({
    before: [],
    popped: { role: 'user', content: 'mine' },
    id: 'one',
    none: theirs,
  });
  expect(await outside.getItems()).toEqual([]);
});

test('the state of the SDK goes through a checkpoint of the run, and on from there', async () => {
  const workflow = defineWorkflow({
    name: 'state',
    state: z.object({ saved: z.string().optional() }),
    async run(ctx) {
      const durable = durableAgent(ctx, { answer: 'first' });
      const again = durableAgent(ctx, { answer: 'second' });
      const models = { getModel: () => scripted(refundThenEnd) };
      const tools = [refundTool(() => 'paid')];
      const first = new Agent({ name: 'a', tools: durable.tools(tools) });
      const runner = new Runner({ modelProvider: durable.provider(models), tracingDisabled: true });
      // One call of the model is not enough: the SDK throws, and has a state to go on from.
      const error = await runner
        .run(first, 'Pay.', { maxTurns: 1 })
        .catch((thrown: unknown) => thrown);
      const { state } = error as { state: RunState<unknown, Agent> };
      await ctx.set({ saved: state.toString() });
      await ctx.checkpoint({ label: 'half' });
      const second = new Agent({ name: 'a', tools: again.tools(tools) });
      const other = new Runner({ modelProvider: again.provider(models), tracingDisabled: true });
      const restored = await RunState.fromString(second, ctx.state.saved ?? '');
      return (await other.run(second, restored, { maxTurns: 5 })).finalOutput;
    },
  });
  const pawl = play(workflow as never);
  const started = await pawl.start(workflow, undefined);
  expect(await started.result()).toBe('All is paid.');
  const steps = await stepsOf(pawl, started.id);
  expect(steps.filter((name) => name.includes('model'))).toEqual([
    'first/model:0',
    'second/model:0',
  ]);
});

test('misspelled options are refused, and those of tools that are not there', () => {
  const ctx = {} as never;
  expect(() => durableAgent(ctx, { answer: 'a/b' })).toThrow('answer must be');
  expect(() => durableAgent(ctx, { anwser: 'a' } as never)).toThrow('Did you mean answer?');
  const durable = durableAgent(ctx);
  expect(() => durable.tools([refundTool(() => 1)], { refnud: {} })).toThrow('no such tool');
  expect(() => durable.tools([refundTool(() => 1)], { refund: { aprove: true } as never })).toThrow(
    'Did you mean approve?',
  );
});
