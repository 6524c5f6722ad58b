// Goal: whatever takes options refuses those it does not know, naming the one that was probably meant, and whatever takes a
// workflow refuses what is none. Method: each entry of a pawl over the memory store is given one of each kind.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineGraph, defineWorkflow, durable, Pawl, toMermaid } from 'pawl';
import { dashboard, serveDashboard } from 'pawl/dashboard';
import { doctor, drill } from 'pawl/doctor';
import { FileCheckpointer } from 'pawl/file';
import { readForeign } from 'pawl/import';
import { registerFleetMetrics } from 'pawl/metrics';
import { openTelemetry } from 'pawl/otel';
import { crashTest, openInMemory, provideRedis, startRedisServer } from 'pawl/testing';
import { Registry } from 'prom-client';
import { checkOptions } from '../../src/engine/definition/options.ts';
import { memoryPawl } from '../support/memory.ts';

const wf = defineWorkflow({ name: 'w', run: () => 1 });
const { pawl } = memoryPawl();
const run = pawl.run(wf, 'r');
const redis = 'redis://127.0.0.1:1';
const loop = pawl.checkpointer;
const rules = [{ olderThan: '1d' as const }];

beforeAll(() => pawl.start(wf, undefined, { id: 'r' }));
afterAll(() => pawl.close());

/** What a call does with options that its types forbid. */
type Call = (options: never) => unknown;

async function failureOf(call: () => unknown): Promise<Record<string, unknown> | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    const { code, field, message } = error as Record<string, unknown>;
    return { code, field, message };
  }
}

/** A misspelled option, and the one that is meant. */
const misspelled: readonly (readonly [string, Call, string, string])[] = [
  ['Pawl.open', (o) => Pawl.open(Object.assign({ redis }, o)), 'durabilty', 'durability'],
  ['open limits', (limits) => Pawl.open({ redis, limits }), 'evntBytes', 'eventBytes'],
  ['open durability', (durability) => Pawl.open({ redis, durability }), 'replica', 'replicas'],
  ['open encryption', (encryption) => Pawl.open({ redis, encryption }), 'currnt', 'current'],
  ['Pawl.assemble', (o) => Pawl.assemble(o), 'stor', 'store'],
  ['openInMemory', (o) => openInMemory(o), 'clok', 'clock'],
  [
    'worker',
    (o) => pawl.worker(Object.assign({ workflows: [wf] }, o)),
    'concurency',
    'concurrency',
  ],
  [
    'retention',
    (retention) => pawl.worker({ workflows: [wf], retention }),
    'complete',
    'completed',
  ],
  ['start', (o) => pawl.start(wf, undefined, o), 'tag', 'tags'],
  ['fork', (o) => pawl.fork(wf, 'r', { seq: 1 }, o), 'stat', 'state'],
  ['fork point', (o) => pawl.fork(wf, 'r', Object.assign({ seq: 1 }, o)), 'seqs', 'seq'],
  ['schedule', (o) => pawl.schedule(wf, undefined, Object.assign({ id: 's' }, o)), 'evry', 'every'],
  ['result', (o) => run.result(o), 'timeoutMS', 'timeoutMs'],
  ['events', (o) => run.events(o).next(), 'aftr', 'after'],
  ['state', (o) => run.state(o), 'sq', 'seq'],
  ['checkpoints', (o) => run.checkpoints(o), 'lable', 'label'],
  ['diff', (o) => run.diff(o, { seq: 1 }), 'chekpoint', 'checkpoint'],
  ['signal', (o) => pawl.run('r').signal('go', 1, o), 'ID', 'id'],
  ['decide', (o) => run.decide('e', o), 'deside', 'decide'],
  ['cancel', (o) => run.cancel(o), 'reson', 'reason'],
  ['pause', (o) => run.pause(o), 'acter', 'actor'],
  ['resume', (o) => run.resume(o), 'reasn', 'reason'],
  ['list', (o) => pawl.list(o), 'statuss', 'status'],
  ['bulk', (o) => pawl.bulk('pause', {}, o), 'dryrun', 'dryRun'],
  ['bulk query', (o) => pawl.bulk('pause', o), 'workflo', 'workflow'],
  ['delete', (o) => pawl.delete('nobody', o), 'reasn', 'reason'],
  ['deletions', (o) => pawl.deletions(o), 'limits', 'limit'],
  ['rehearse', (o) => pawl.rehearse([wf], o), 'form', 'from'],
  ['export', (o) => pawl.export('r', o).next(), 'onProgres', 'onProgress'],
  ['export query', (o) => pawl.export(o).next(), 'untill', 'until'],
  ['import', (o) => pawl.import([], o), 'ifExist', 'ifExists'],
  ['retain', (o) => pawl.retain({ rules }, o), 'dryRn', 'dryRun'],
  ['retain rules', (rule) => pawl.retain({ rules: [rule] }), 'olderThen', 'olderThan'],
  ['compact', (o) => pawl.compact('r', o), 'upto', 'upTo'],
  ['forgetCheckpoints', (o) => pawl.forgetCheckpoints('r', o), 'keepNewst', 'keepNewest'],
  ['memory', (o) => pawl.memory(o), 'samples', 'sample'],
  ['recoveries', (o) => pawl.recoveries(o), 'limitt', 'limit'],
  ['health', (o) => pawl.health(o), 'timeoutMS', 'timeoutMs'],
  ['close', (o) => pawl.close(o), 'gracems', 'graceMs'],
  [
    'durable',
    (o) => durable(pawl, Object.assign({ name: 'd' }, o), async () => 1),
    'workr',
    'worker',
  ],
  ['dashboard', (o) => dashboard(pawl, o), 'readonly', 'readOnly'],
  ['serveDashboard', (o) => serveDashboard(pawl, o), 'prot', 'port'],
  ['crashTest', (o) => crashTest(wf, undefined, o), 'signal', 'signals'],
  ['provideRedis', (o) => provideRedis(o), 'dokcer', 'docker'],
  ['startRedisServer', (o) => startRedisServer(o), 'prot', 'port'],
  ['FileCheckpointer.open', (o) => FileCheckpointer.open(o), 'foldr', 'folder'],
  ['claim', (o) => loop.claim('own', o), 'metdata', 'metadata'],
  ['listRuns', (o) => loop.listRuns(o), 'curser', 'cursor'],
  ['loop checkpoints', (o) => loop.checkpoints('own', o), 'befor', 'before'],
  ['listEvents', (o) => loop.listEvents('own', o)[Symbol.asyncIterator]().next(), 'sinc', 'since'],
  ['doctor', (o) => doctor(Object.assign({ redis }, o)), 'repiar', 'repair'],
  ['drill', (o) => drill(Object.assign({ redis }, o)), 'round', 'rounds'],
  ['readForeign', (o) => readForeign('nowhere', o), 'formt', 'format'],
  ['openTelemetry', (o) => openTelemetry(o), 'traceer', 'tracer'],
  [
    'registerFleetMetrics',
    (o) => registerFleetMetrics(new Registry(), {}, o),
    'answrMs',
    'answerMs',
  ],
  [
    'defineWorkflow',
    (o) => defineWorkflow(Object.assign({ name: 'x', run: () => 1 }, o)),
    'inputs',
    'input',
  ],
  [
    'workflow retry',
    (retry) => defineWorkflow({ name: 'x', run: () => 1, retry }),
    'attemps',
    'attempts',
  ],
  ['workflow rate', (rate) => defineWorkflow({ name: 'x', run: () => 1, rate }), 'maxx', 'max'],
  [
    'workflow expireCheckpoints',
    (expireCheckpoints) => defineWorkflow({ name: 'x', run: () => 1, expireCheckpoints }),
    ...(['keepNewst', 'keepNewest'] as const),
  ],
  [
    'defineGraph',
    (o) => defineGraph({ name: 'g', start: 'a', nodes: { a: () => ({}) }, ...(o as object) }),
    'egdes',
    'edges',
  ],
  [
    'cycles',
    (cycles) => defineGraph({ name: 'g', start: 'a', nodes: { a: () => ({}) }, cycles }),
    'limits',
    'limit',
  ],
  [
    'node',
    (o) =>
      defineGraph({ name: 'g', start: 'a', nodes: { a: Object.assign({ run: () => ({}) }, o) } }),
    'timeot',
    'timeout',
  ],
  ['ctx.step', (o) => checkOptions('step', o), 'retrys', 'retry'],
  ['ctx.step retry', (retry) => checkOptions('step', { retry }), 'delayMs', 'delay'],
  ['ctx.map', (o) => checkOptions('map', o), 'concurency', 'concurrency'],
  [
    'ctx.effect',
    (o) => checkOptions('effect', Object.assign({ onDoubt: 'ask' }, o)),
    'timeOut',
    'timeout',
  ],
  ['ctx.waitFor', (o) => checkOptions('wait', o), 'timout', 'timeout'],
  ['ctx.sleep', (o) => checkOptions('sleep', o), 'sa', 'as'],
  ['ctx.start', (o) => checkOptions('child', o), 'attach', 'attached'],
  ['ctx.checkpoint', (o) => checkOptions('checkpoint', o), 'metdata', 'metadata'],
];

test.each(misspelled)('%s: a misspelled option is refused', async (_, call, wrong, right) => {
  const failure = await failureOf(() => call({ [wrong]: 1 } as never));
  expect(failure?.['code']).toBe('PAWL_INVALID');
  expect(failure?.['field']).toMatch(new RegExp(`\\.${wrong}$`));
  expect(failure?.['message']).toContain(`${wrong} is no option. Did you mean ${right}?`);
});

test('without options, and with absent ones, nothing is refused', async () => {
  checkOptions('step', undefined);
  checkOptions('child', { as: undefined });
  await pawl.list({ status: undefined } as never);
  expect(await run.checkpoints()).toEqual([]);
});

/** A value that does not fit, and a part of what is said of it. */
const misfits: readonly (readonly [string, Call, unknown, string])[] = [
  ['cancelGraceMs', (o) => pawl.worker(o), { cancelGraceMs: 'soon' }, 'it is "soon"'],
  ['cancelGraceMs', (o) => pawl.worker(o), { cancelGraceMs: -5 }, 'it is -5'],
  ['concurrency', (o) => pawl.worker(o), { concurrency: '5' }, 'a whole number from 1'],
  [
    'retention',
    (o) => pawl.worker(o),
    { retention: { failed: 'never' } },
    'retention.failed must be',
  ],
  ['workflows', (o) => pawl.worker(o), { workflows: wf }, 'must be a list'],
  ['redis', (o) => Pawl.open(o), { redis: undefined }, 'redis is missing. Pass where Redis is'],
  ['redis', (o) => Pawl.open(o), { redis: null }, 'redis must be a URL such as'],
  ['redis', (o) => Pawl.open(o), { redis: '' }, 'redis must be a URL such as'],
  ['options', (o) => Pawl.open(o), undefined, "such as { redis: 'redis://"],
  ['options', (o) => Pawl.open(o), redis, "such as { redis: 'redis://"],
  [
    'logger',
    (o) => Pawl.open(o),
    { redis, logger: { info: 1 } },
    'a logger with debug, info, warn and',
  ],
  ['shards', (o) => Pawl.open(o), { redis, shards: 0 }, 'from 1 to 1024, it is 0'],
  [
    'limits',
    (o) => Pawl.open(o),
    { redis, limits: { eventBytes: '1mb' } },
    'limits.eventBytes must be',
  ],
  ['priority', (o) => pawl.start(wf, undefined, o), { priority: -1 }, 'from 0 to 1000000'],
  ['delay', (o) => pawl.start(wf, undefined, o), { delay: 'soon' }, 'a text such as 30s'],
  ['tags', (o) => pawl.start(wf, undefined, o), { tags: ['a'] }, 'tag'],
  ['point', (o) => pawl.fork(wf, 'r', o), {}, 'must have checkpoint, seq, step or node'],
  ['status', (o) => pawl.list(o), { status: 'active' }, 'must be queued, running, waiting'],
  ['status', (o) => pawl.list(o), { status: 'complete' }, 'Did you mean completed?'],
  ['since', (o) => pawl.list(o), { since: 'yesterday' }, 'a valid Date, or milliseconds'],
  [
    'retry',
    (o) => checkOptions('step', o),
    { retry: 3 },
    "an object such as { attempts: 3, delay: '5s' }, it is 3",
  ],
  ['attempts', (o) => checkOptions('step', o), { retry: { attempts: 0 } }, 'from 1, or Infinity'],
  ['timeout', (o) => checkOptions('step', o), { timeout: '5 minutes' }, 'a text such as 30s'],
  ['onDoubt', (o) => checkOptions('effect', o), undefined, "such as { onDoubt: 'ask' }"],
  ['onDoubt', (o) => checkOptions('effect', o), {}, 'onDoubt is missing'],
  [
    'onDoubt',
    (o) => checkOptions('effect', o),
    { onDoubt: 'aks' },
    'retry, skip, ask or a function',
  ],
  [
    'signals',
    (signals) => defineWorkflow({ name: 'x', run: () => 1, signals }),
    ['go'],
    'signals must',
  ],
  [
    'signals',
    (signals) => defineWorkflow({ name: 'x', run: () => 1, signals }),
    { go: {} },
    'a schema',
  ],
  [
    'input',
    (input) => defineWorkflow({ name: 'x', run: () => 1, input }),
    { n: 'int' },
    'a schema',
  ],
  ['decide', (o) => run.decide('e', o), { decide: 'done!' }, 'must be retry or done'],
  ['password', (o) => dashboard(pawl, o), { password: 4711 }, 'must be a text that is not empty'],
];

test.each(misfits)('%s that does not fit is refused: %#', async (_, call, value, said) => {
  const whole = call.toString().includes('pawl.worker')
    ? { workflows: [wf], ...(value as object) }
    : value;
  const failure = await failureOf(() => call(whole as never));
  expect(failure?.['code']).toBe('PAWL_INVALID');
  expect(failure?.['message']).toContain(said);
  expect(failure?.['message']).not.toContain('4711');
});

/** What people pass where a workflow is wanted, and what they are told. */
const noWorkflows: readonly (readonly [unknown, string])[] = [
  [undefined, 'it is undefined'],
  ['w', 'it is "w"'],
  [() => 1, 'it is a function'],
  [[wf], 'it is a list'],
  [{ name: 'x' }, 'it is an object'],
  [{ name: 'x', run: () => 1 }, 'a definition: pass defineWorkflow'],
  [{ name: 'x', start: 'a', nodes: {} }, 'pass defineGraph'],
  [Promise.resolve(wf), 'a promise: await it'],
  [{ name: 'w', version: 1, definition: wf.definition, initialState: {} }, 'put together by hand'],
  [{ ...wf, [Symbol.for('pawl.workflow')]: 99 }, 'another version of pawl'],
];

const takesWorkflow: readonly (readonly [string, Call, string])[] = [
  ['start', (w) => pawl.start(w, undefined), 'workflow'],
  ['fork', (w) => pawl.fork(w, 'r', { seq: 1 }), 'workflow'],
  ['schedule', (w) => pawl.schedule(w, undefined, { id: 's', every: '1h' }), 'workflow'],
  ['worker', (w) => pawl.worker({ workflows: [wf, w] }), 'worker options.workflows[1]'],
  ['rehearse', (w) => pawl.rehearse([w]), 'workflows[0]'],
  ['dashboard', (w) => dashboard(pawl, { workflows: [w] }), 'dashboard options.workflows[0]'],
  ['crashTest', (w) => crashTest(w, undefined as never), 'workflow'],
];

test.each(takesWorkflow)('%s refuses what is no workflow', async (_, call, field) => {
  for (const [wrong, said] of noWorkflows) {
    const failure = await failureOf(() => call(wrong as never));
    expect(failure).toMatchObject({ code: 'PAWL_INVALID', field });
    expect(failure?.['message']).toMatch(/must be what defineWorkflow or defineGraph returns/);
    expect(failure?.['message']).toContain(said);
  }
});

test('a handle needs a workflow or an id', async () => {
  for (const wrong of [{ name: 'x' }, null, 5]) {
    const failure = await failureOf(() => pawl.run(wrong as never, 'r'));
    expect(failure).toMatchObject({ code: 'PAWL_INVALID', field: 'workflow' });
  }
  const failure = await failureOf(() => pawl.run(undefined as never));
  expect(failure).toMatchObject({ code: 'PAWL_INVALID', field: 'run id' });
});

test('what wants the name of a workflow, or a graph, says so', async () => {
  const calls: readonly (readonly [() => unknown, string])[] = [
    [() => pawl.schedules('w' as never), 'workflow'],
    [() => pawl.unschedule(null as never, 's'), 'workflow'],
    [() => toMermaid(undefined as never), 'graph'],
    [() => toMermaid(wf as never), 'graph'],
    [() => durable(pawl, { name: 'd' }, undefined as never), 'handler'],
  ];
  for (const [call, field] of calls) {
    expect(await failureOf(call)).toMatchObject({ code: 'PAWL_INVALID', field });
  }
});

test('a workflow with other fields added is one', async () => {
  const copy = Object.assign({}, wf, { note: 'a copy' });
  expect((await pawl.start(copy, undefined)).id).toMatch(/\w/);
});
