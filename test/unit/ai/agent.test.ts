// Goal: an agent of the AI SDK goes on where it was: no call that is stored is made again, and pages are told each token one
// time. Method: the SDK's own mock provider, both versions; the memory store, and a crash before and behind each write.
import { afterEach, describe, expect, test } from 'vitest';
import { AnsweredError, defineWorkflow, type Pawl, type Workflow } from 'pawl';
import { approvalSchema, durableAgent, stepOf, uiMessageStream } from 'pawl/ai';
import { crashTest } from 'pawl/testing';
import { z } from 'zod';
import { hasResult, type Said, type Script, scripted, sdks } from '../../support/ai-sdk.ts';
import { memoryPawl } from '../../support/memory.ts';
import { isThorough } from '../../support/thorough.ts';

const question = { input: z.object({ text: z.string() }) };
const refundCall = { id: 'call-1', tool: 'refund', input: { order: 'o-7' } };
const firstThenLast: Script = (prompt) =>
  hasResult(prompt)
    ? { words: ['All ', 'is ', 'paid.'] }
    : { words: ['Let me ', 'see. '], calls: [refundCall] };

let opened: Pawl | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function play(
  workflow: Workflow<never>,
  more: readonly Workflow<never>[] = [],
): Promise<Pawl> {
  const { pawl } = memoryPawl();
  pawl.worker({ workflows: [workflow, ...more] });
  opened = pawl;
  return pawl;
}

async function stepsOf(pawl: Pawl, run: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { type, data } of pawl.run(run).events()) {
    if (type === 'step.completed') names.push((data as { name: string }).name);
  }
  return names;
}

/** The message as `useChat` of the SDK would have it. */
async function messageOf(
  pawl: Pawl,
  run: string,
  { sdk }: (typeof sdks)[number],
): Promise<unknown> {
  const stream = uiMessageStream(pawl.run(run)) as never;
  let last: unknown;
  for await (const message of sdk.readUIMessageStream({ stream })) last = message;
  return last;
}

describe.each(sdks)('AI SDK $version', (own) => {
  const { sdk } = own;
  const { generateText, stepCountIs, streamText, tool } = sdk;
  const tools = (refund: (input: unknown, options: object) => unknown) => ({
    refund: tool({ inputSchema: z.object({ order: z.string() }), execute: refund }),
  });
  const loop = (script: Script, refund: (input: unknown, options: object) => unknown) =>
    defineWorkflow({
      name: 'support',
      ...question,
      async run(ctx, { text }) {
        const agent = durableAgent(ctx, { stream: true });
        const result = await generateText({
          model: agent.model(scripted(own, script)),
          tools: agent.tools(tools(refund)),
          prompt: text,
          stopWhen: stepCountIs(5),
        });
        return result.text;
      },
    });

  test('each call of the model and of a tool is a step, and pages are told all of it', async () => {
    const keys: unknown[] = [];
    const pawl = await play(
      loop(firstThenLast, (input, options) => {
        keys.push(stepOf(options)?.idempotencyKey);
        return { paid: input };
      }) as never,
    );
    const run = await pawl.start(
      loop(firstThenLast, () => 1),
      { text: 'Where is my money?' },
    );
    expect(await run.result()).toBe('All is paid.');
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(await stepsOf(pawl, run.id)).toEqual([
      'answer/model:0',
      'answer/tool:call-1',
      'answer/model:1',
    ]);
    expect(await messageOf(pawl, run.id, own)).toMatchObject({
      id: `${run.id}:answer`,
      role: 'assistant',
      parts: [
        { type: 'step-start' },
        { type: 'text', text: 'Let me see. ', state: 'done' },
        {
          type: 'tool-refund',
          toolCallId: 'call-1',
          state: 'output-available',
          input: { order: 'o-7' },
          output: { paid: { order: 'o-7' } },
        },
        { type: 'step-start' },
        { type: 'text', text: 'All is paid.', state: 'done' },
      ],
    });
  });

  test('each chunk is one that the SDK’s pages take', async () => {
    const workflow = loop(firstThenLast, () => ({ paid: true }));
    const pawl = await play(workflow as never);
    const run = await pawl.start(workflow, { text: 'Where?' });
    await run.result();
    const schema = sdk.uiMessageChunkSchema();
    const refused: unknown[] = [];
    let count = 0;
    for await (const chunk of uiMessageStream(pawl.run(run.id))) {
      count += 1;
      const { success } = (await schema.validate?.(chunk)) ?? { success: false };
      if (!success) refused.push(chunk);
    }
    expect(count).toBeGreaterThan(15);
    expect(refused).toEqual([]);
  });

  test('streamText and generateText record the same answer, and nothing of the request', async () => {
    const talk = defineWorkflow({
      name: 'talk',
      async run(ctx) {
        const said = (): Said => ({ words: ['One ', 'two.'] });
        const one = durableAgent(ctx, { answer: 'one' });
        const two = durableAgent(ctx, { answer: 'two' });
        const three = durableAgent(ctx, { answer: 'three', stream: true });
        const prompt = 'Count.';
        const middleware = one.middleware as never;
        const model = sdk.wrapLanguageModel({ model: scripted(own, said), middleware });
        const streamed = streamText({ model, prompt });
        const whole = await generateText({ model: two.model(scripted(own, said)), prompt });
        const both = await generateText({ model: three.model(scripted(own, said)), prompt });
        return [await streamed.text, whole, both].map((it) =>
          typeof it === 'string' ? it : [it.text, it.finishReason, it.response.modelId],
        );
      },
    });
    const pawl = await play(talk as never);
    const run = await pawl.start(talk, undefined);
    const whole = ['One two.', 'stop', 'm'];
    expect(await run.result()).toEqual(['One two.', whole, whole]);
    const log: unknown[] = [];
    for await (const event of run.events()) log.push(event);
    expect(JSON.stringify(log)).toContain('One two.');
    expect(JSON.stringify(log)).not.toContain('secret');
  });

  // Both versions ask the same of the adapter, and a hundred losses take seconds.
  const isLong = own.version === 7 && !isThorough;
  test.skipIf(isLong)(
    'a death at any write changes nothing, and no stored call is made again',
    { timeout: 60_000 },
    async () => {
      const made: string[] = [];
      let since = 0;
      const workflow = defineWorkflow({
        name: 'support',
        ...question,
        signals: { approval: approvalSchema },
        async run(ctx, { text }) {
          const agent = durableAgent(ctx, { stream: true });
          const script: Script = (prompt) => {
            made.push(hasResult(prompt) ? 'model:1' : 'model:0');
            return hasResult(prompt) ? { words: ['Paid.'] } : { calls: [refundCall] };
          };
          const refund = (): object => {
            made.push('tool');
            return { paid: true };
          };
          const { text: said } = await generateText({
            model: agent.model(scripted(own, script)),
            tools: agent.tools(tools(refund), { refund: { approve: true } }),
            prompt: text,
            stopWhen: stepCountIs(5),
          });
          return said;
        },
      });
      const report = await crashTest(
        workflow,
        { text: 'Where?' },
        {
          signals: [{ name: 'approval', payload: { approved: true }, key: 'call-1' }],
          setUp: () => (since = made.length),
          // A crash repeats one call at most: the one that was at work.
          observe: () => made.length - since <= 4,
        },
      );
      expect(report.violations).toEqual([]);
      expect(report.crashes).toBeGreaterThan(20);
    },
  );

  test('a person agrees in the inbox, and another call is refused', async () => {
    const calls = [refundCall, { ...refundCall, id: 'call-2', input: { order: 'o-8' } }];
    const seen: unknown[] = [];
    const workflow = defineWorkflow({
      name: 'asks',
      signals: { approval: approvalSchema },
      async run(ctx) {
        const agent = durableAgent(ctx, { stream: true });
        const script: Script = (prompt) => {
          if (!hasResult(prompt)) return { calls };
          seen.push(prompt.at(-1));
          return { words: ['Done.'] };
        };
        const asked = { ...tools(() => 'paid').refund, needsApproval: true };
        const { text } = await generateText({
          model: agent.model(scripted(own, script)),
          tools: agent.tools({ refund: asked }),
          prompt: 'Pay both.',
          stopWhen: stepCountIs(5),
        });
        return text;
      },
    });
    const pawl = await play(workflow as never);
    const run = await pawl.start(workflow, undefined);
    await expect.poll(async () => (await run.info()).waits).toHaveLength(2);
    const [first] = (await pawl.list({ waitsFor: 'approval', waitKey: 'call-1' })).runs;
    expect(first?.waits.find(({ key }) => key === 'call-1')).toMatchObject({
      name: 'answer/approval:call-1',
      label: 'May refund be called with {"order":"o-7"}?',
    });
    await run.answer('answer/approval:call-1', { approved: true }, { actor: 'ada' });
    await run.answer('answer/approval:call-2', { approved: false, reason: 'too much' });
    await expect(run.answer('answer/approval:call-1', { approved: true })).rejects.toThrow(
      AnsweredError,
    );
    expect(await run.result()).toBe('Done.');
    expect(JSON.stringify(seen)).toContain('paid');
    expect(JSON.stringify(seen)).toContain('This call was refused: too much.');
    expect(await messageOf(pawl, run.id, own)).toMatchObject({
      parts: [
        { type: 'step-start' },
        {
          toolCallId: 'call-1',
          state: 'output-available',
          approval: { id: 'answer/approval:call-1' },
        },
        { toolCallId: 'call-2', state: 'output-denied' },
        { type: 'step-start' },
        { type: 'text', text: 'Done.' },
      ],
    });
  });

  test('nobody agrees in time, and some calls need nobody', async () => {
    const workflow = defineWorkflow({
      name: 'waits',
      signals: { approval: approvalSchema },
      async run(ctx) {
        const agent = durableAgent(ctx);
        const { refund } = agent.tools(
          tools((input) => `paid ${(input as { order: string }).order}`),
          {
            refund: { approve: { when: ({ order }: never) => order !== 'small', timeout: 5 } },
          } as never,
        );
        const call = (id: string, order: string): Promise<unknown> =>
          Promise.resolve(refund.execute?.({ order }, { toolCallId: id, messages: [] })).catch(
            String,
          );
        return [await call('a', 'small'), await call('a', 'big')];
      },
    });
    const pawl = await play(workflow as never);
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toEqual([
      'paid small',
      'Error: This call was refused: nobody has agreed in time.',
    ]);
    // The same id again is another call.
    expect(await stepsOf(pawl, run.id)).toEqual([
      'answer/ask:a',
      'answer/tool:a',
      'answer/ask:a~2',
      'answer/approval:a~2',
      'answer/refused:a~2',
    ]);
  });

  test('a model that fails is called again as the step says, and not when it says never', async () => {
    let calls = 0;
    const overloaded = Object.assign(new Error('overloaded'), { isRetryable: true });
    const unknown = Object.assign(new Error('no such model'), { isRetryable: false });
    const workflow = defineWorkflow({
      name: 'fails',
      stepRetry: { attempts: 3, delay: 1 },
      async run(ctx) {
        const agent = durableAgent(ctx, { stream: true });
        const twice: Script = () => {
          calls += 1;
          return calls < 3 ? { words: ['Half '], fails: overloaded } : { words: ['Whole.'] };
        };
        const never: Script = () => {
          calls += 1;
          return { fails: unknown };
        };
        const { text } = await generateText({
          model: agent.model(scripted(own, twice)),
          prompt: 'x',
        });
        const failed = generateText({ model: agent.model(scripted(own, never)), prompt: 'x' });
        return [text, await failed.then(String, (error: Error) => String(error.cause))];
      },
    });
    const pawl = await play(workflow as never);
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toEqual(['Whole.', 'NonRetryableError: no such model']);
    expect(calls).toBe(4);
    if (own.version === 7) {
      const { parts } = (await messageOf(pawl, run.id, own)) as { parts: object[] };
      expect(parts).toMatchObject([{ type: 'step-start' }, { type: 'text', text: 'Whole.' }]);
    }
  });

  test('a tool that gives results as it goes is told as it goes, and one that fails says why', async () => {
    const workflow = defineWorkflow({
      name: 'early',
      async run(ctx) {
        const agent = durableAgent(ctx, { stream: true });
        const script: Script = (prompt) =>
          hasResult(prompt)
            ? { words: ['Fine.'] }
            : { calls: [refundCall, { ...refundCall, id: 'call-2', tool: 'broken' }] };
        const { refund } = tools(async function* () {
          yield 'half';
          await Promise.resolve();
          yield 'whole';
        });
        const { refund: broken } = tools(() => Promise.reject(new Error('no ink')));
        const { text } = await generateText({
          model: agent.model(scripted(own, script)),
          tools: agent.tools({ refund, broken }),
          prompt: 'x',
          stopWhen: stepCountIs(5),
        });
        return text;
      },
    });
    const pawl = await play(workflow as never);
    const run = await pawl.start(workflow, undefined);
    expect(await run.result()).toBe('Fine.');
    const outputs: unknown[] = [];
    for await (const { type, output, errorText } of uiMessageStream(pawl.run(run.id))) {
      if (type.startsWith('tool-output')) outputs.push(output ?? errorText);
    }
    expect(outputs.map(String).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'half',
      'no ink',
      'whole',
      'whole',
    ]);
  });

  test('an effect whose worker dies in the middle is in doubt, and a chunk of any size is told', async () => {
    const large = 'ü'.repeat(100_000);
    const workflow = defineWorkflow({
      name: 'large',
      async run(ctx) {
        const agent = durableAgent(ctx);
        const { refund } = agent.tools(
          tools(() => large),
          { refund: { onDoubt: 'ask' } } as never,
        );
        await refund.execute?.({ order: 'o' }, { toolCallId: 'a', messages: [] });
        return 'done';
      },
    });
    const pawl = await play(workflow as never);
    const run = await pawl.start(workflow, undefined);
    await run.result();
    const types: string[] = [];
    for await (const { type } of run.events()) types.push(type);
    expect(types).toContain('effect.begun');
    const told: unknown[] = [];
    for await (const { output } of uiMessageStream(pawl.run(run.id))) told.push(output);
    expect(told).toContain(large);
  });
});

test('the name of an answer is checked, and misspelled options are', () => {
  const ctx = {} as never;
  expect(() => durableAgent(ctx, { answer: 'a/b' })).toThrow('answer must be');
  expect(() => durableAgent(ctx, { anwser: 'a' } as never)).toThrow('Did you mean answer?');
});
