// Goal: every example does what its page says. Method: its command in a process of its own, with the Redis of the tests.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test, vi } from 'vitest';
import { compiled } from '../support/child.ts';

const execute = promisify(execFile);
/** Of an example that hangs. What they promise is an order of things, not a time. */
const hangMs = 240_000;
vi.setConfig({ testTimeout: hangMs });

async function play(...args: readonly string[]): Promise<string[]> {
  const { stdout } = await execute(process.execPath, [compiled('examples/run.ts'), ...args], {
    env: { ...process.env, PAWL_REDIS_URL: inject('redisUrl'), PAWL_CHAT_PACE_MS: '10' },
    timeout: hangMs,
  });
  return stdout.split('\n').map((line) => line.trim());
}

const killed = 'worker 1 was killed (SIGKILL); another process goes on';

/** What a worker said, without its label. */
function saidBy(lines: readonly string[], worker: 1 | 2): string[] {
  const label = `worker ${worker} │ `;
  return lines.filter((line) => line.startsWith(label)).map((line) => line.slice(label.length));
}

test('basic: what was finished is kept, what was at work runs again', async () => {
  const lines = await play('basic');
  expect(lines).toContain(killed);
  expect(lines).toContain('kept: step fetch, checkpoint "pages fetched"');
  expect(saidBy(lines, 2)).not.toContain('fetch pages about ratchets');
  expect(lines).toContain('result: {"summary":"ratchets: history, mechanics, uses"}');
  expect(lines).toContain('4 checkpoint.saved "pages fetched" {"pages":3}');
});

test('order: it goes on from each of its states', async () => {
  const lines = await play('order');
  expect(lines.filter((line) => line === killed)).toHaveLength(4);
  expect(lines.filter((line) => /^result: .*"shipped"/.test(line))).toHaveLength(4);
  expect(lines).toContain('its states: paying > paid > packing > shipped');
  expect(lines.filter((line) => line.startsWith('ran again'))).toEqual([
    'ran again: validate order-new',
    'ran again: charge 4200 cents for order-validated',
    'ran again: ship order-paid',
    'ran again: tell the customer of order-straight',
  ]);
});

test('training: epochs before the last checkpoint do not run again', async () => {
  const lines = await play('training');
  expect(saidBy(lines, 1)).toContain('train epoch 8');
  expect(saidBy(lines, 2)[0]).toBe('train epoch 6');
  expect(lines).toContain('kept: state.set, checkpoint "epoch 5"');
  expect(lines).toContain('the next run of the team is queued');
  expect(lines).toContain('result: {"epochs":12,"loss":0.066}');
});

test('fault-recovery: a failed run is resumed after its checkpoint', async () => {
  const lines = await play('fault-recovery');
  expect(lines.some((line) => /^the run failed: .*licence server does not answer/.test(line))).toBe(
    true,
  );
  expect(lines.filter((line) => line.startsWith('tried again'))).toEqual([
    'tried again: render',
    'tried again: render',
  ]);
  expect(lines).toContain('nothing was tried again: LicenceExpired, since May');
  expect(lines.filter((line) => line.includes('build models'))).toEqual([
    'worker 1 │ build models for 3 scenes',
    'kept: step build models, checkpoint "before rendering"',
  ]);
  expect(lines).toContain('result: {"frames":72,"polygons":3000}');
});

test('approval: a time-out leads to a checkpoint and to the lead, who decides', async () => {
  const lines = await play('approval');
  expect(lines.find((line) => line.startsWith('kept'))).toBe(
    'kept: step build, step ask the team, step team decides, checkpoint "nobody answered"',
  );
  expect(saidBy(lines, 2)).toEqual(['message to the lead: the team did not decide', 'deploy v2.1']);
  expect(lines).toContain('Bob hears that Grace was first');
  expect(lines).toContain('the run says: v2.1 waits for signatures');
  expect(lines).toContain('result: {"deployed":true,"by":"Ada","signed":["Linus","Grace"]}');
});

test('pipeline: items that are done are not done again', async () => {
  const lines = await play('pipeline');
  expect(saidBy(lines, 2)).not.toContain('extract the list of files');
  expect(saidBy(lines, 2)).not.toContain('transform page-1.pdf');
  expect(saidBy(lines, 2)).toContain('transform page-8.pdf');
  expect(lines).toContain('result: {"files":7,"words":700,"broken":["page-4.pdf"]}');
});

test('answer: a reader drops the half that a dead worker gave, and has the whole', async () => {
  const lines = await play('answer');
  expect(lines).toContain(killed);
  expect(saidBy(lines, 2)).not.toContain('look up: What is a pawl?');
  expect(lines.some((line) => /^reader: dropped \d+ words of a half answer$/.test(line))).toBe(
    true,
  );
  expect(lines).toContain(
    'reader: A pawl is the catch that lets a ratchet turn forward and never slip back so a run keeps what it has done',
  );
});

test('agent-chat: an answer goes on when its worker is killed, and a person agrees to a refund', async () => {
  const lines = await play('agent-chat', '--play');
  const words = Array.from({ length: 40 }, (_, i) => `w${i + 1}`).join(' ');
  expect(lines.some((line) => /^worker \d is killed \(SIGKILL\)$/.test(line))).toBe(true);
  expect(lines).toContain('halves that the page dropped: 1');
  expect(lines.filter((line) => line.startsWith('answer: '))).toEqual([
    `answer: ${words}`,
    'answer: Let me look. Your order has left our house this morning. It arrives tomorrow before noon.',
    'answer: I have to ask first. The money is on its way back to you.',
    'answer: Your name is Ada.',
  ]);
});

test('payment: nobody is charged twice, in four ways', async () => {
  const lines = await play('payment');
  expect(lines.filter((line) => line === killed)).toHaveLength(4);
  const ledger = lines.slice(lines.indexOf('The ledger of the server:') + 1);
  expect(ledger.filter((line) => line !== '').map((line) => line.slice(0, 2))).toEqual(
    ['A:', 'B:', 'C:', 'D:', 'E:', 'E:', 'F:'], // E is reserved, then captured
  );
  // The keys make a repetition harmless; the probe makes it needless.
  expect(saidBy(lines, 2)).toContain('server: knows the key of D, takes nothing');
  expect(saidBy(lines, 2)).toContain('probe: F is paid');
  expect(saidBy(lines, 2)).not.toContain('server: asked to charge F');
});

test('booking: what was done is undone, and the worker dies in the middle', async () => {
  const lines = await play('booking');
  expect(lines).toContain(killed);
  expect(saidBy(lines, 1)).toContain('cancel the hotel');
  expect(saidBy(lines, 2)).toEqual(['cancel the flight', 'give back 9900 cents for receipt-1']);
  expect(lines.find((line) => line.startsWith('the run: '))).toContain('no car is left');
  expect(lines).toContain('its state: {"status":"refunded"}');
  const ledger = lines.slice(lines.indexOf('the ledger:') + 1).filter((line) => line !== '');
  expect(ledger).toEqual([
    'take 9900 cents',
    'book the flight',
    'book the hotel',
    'cancel the hotel',
    'cancel the flight',
    'give back 9900 cents for receipt-1',
  ]);
});

test('agent: of the parallel nodes only those at work run again', async () => {
  const lines = await play('agent');
  expect(lines).toContain(killed);
  expect(saidBy(lines, 2)).not.toContain('plan round 2');
  expect(saidBy(lines, 2)).toContain('plan round 3');
  expect(lines).toContain('steps: 18, still to do: 0');
  expect(lines).toContain('read: 6 visits');
  expect(lines).toContain('flowchart TD');
});

test('durable-bullmq: another process goes on from the step at work', async () => {
  const lines = await play('durable-bullmq');
  expect(lines.some((line) => line.endsWith('was killed (SIGKILL); another process goes on'))).toBe(
    true,
  );
  expect(lines).toContain('result: holiday.mov is online');
  expect(lines).toContain('ran again: encode 1000 frames');
});

test('own-loop: a loop without a workflow goes on behind what it had saved', async () => {
  const lines = await play('own-loop');
  expect(lines).toContain(killed);
  expect(saidBy(lines, 2)[0]).toBe('goes on at page-5 from snapshot 1');
  expect(lines).toContain('kept: page-1, page-2, page-3, page-4');
  expect(lines).toContain('ran again: read page-5');
  expect(lines).toContain('result: {"words":800}');
  expect(lines.filter((line) => line.includes(' crawl "')).map((line) => line.slice(25))).toEqual([
    'crawl "2 left", next: page-7',
    'crawl "5 left", next: page-4',
  ]);
});

test('outbox: each order has one run and one receipt, whoever dies', async () => {
  const lines = await play('outbox');
  expect(lines).toContain('relay 1 was killed (SIGKILL); another process goes on');
  expect(lines).toContain('worker 1 was killed (SIGKILL); another process goes on');
  expect(lines).toContain('relay 1 │ started 200, known 0');
  expect(lines).toContain('relay 2 │ started 0, known 200');
  expect(lines).toContain('orders: 200, runs: 200, receipts: 200');
});

test('album: children that are over do not run again, and one that fails fails no other', async () => {
  const lines = await play('album');
  expect(lines).toContain(killed);
  expect(saidBy(lines, 2)).not.toContain('resize photo-1.jpg');
  expect(saidBy(lines, 2)).toContain('resize photo-12.jpg');
  expect(lines).toContain('result: {"small":11,"broken":["photo-7.jpg"]}');
  expect(lines).toContain('children: 12, of them failed: 1');
});

test('scan: what is large lies in files, and is not made again', async () => {
  const lines = await play('scan');
  expect(lines).toContain(killed);
  expect(saidBy(lines, 2)).not.toContain('scan sheet 1');
  expect(saidBy(lines, 2)).not.toContain('scan sheet 2');
  expect(saidBy(lines, 2)).toContain('read sheet 2');
  expect(lines).toContain('result: {"sheets":3,"black":6}');
  expect(lines).toContain('the sheets lie in files');
  expect(lines).toContain('the log takes little of Redis');
});
