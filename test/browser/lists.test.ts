// Goal: a page over many runs changes as they do, is worked by keys, keeps its search in its address, and asks before it
// destroys. Method: Chromium over runs of real worker processes, which are killed; the pages' server is restarted.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { killChildren } from '../support/child.ts';
import { firstEvent } from '../support/workers.ts';
import { TestBrowser } from './browser.ts';
import { pastHour, untilStatus } from './scenes.ts';
import { Stage } from './stage.ts';
import { invoice, upload } from './workflows.ts';

let stage: Stage;
let browser: TestBrowser;
let url: string;

beforeAll(async () => {
  [stage, browser] = await Promise.all([Stage.open(inject('redisUrl')), TestBrowser.open()]);
  url = await stage.serve({ killable: stage.killable });
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
  await killChildren();
});

const input = { customer: 'Ada', pages: 3, paceMs: 100, mayFail: false };

describe('the list of runs', () => {
  test('changes while it is open, row by row, and no row that stays is made anew', async () => {
    const still = await stage.pawl.start(invoice, input, { id: 'list-still' });
    await untilStatus(still, 'waiting');
    const look = await browser.look(`${url}/runs?workflow=invoice`);
    const { page } = look;
    await page.locator('.is-live').waitFor();
    await page.waitForTimeout(1_500);
    const mark = (row: { dataset: Record<string, string> }): string => (row.dataset['mark'] = 'x');
    await page.locator('tr[data-key=list-still]').evaluate(mark);
    const begun = Date.now();
    const run = await stage.pawl.start(invoice, input, { id: 'list-new' });
    const row = page.locator('tr[data-key=list-new]');
    await row.waitFor();
    expect(Date.now() - begun).toBeLessThan(3_000);
    await row.locator('.status.waiting').waitFor();
    await run.signal('approval', { approved: true, by: 'kim' });
    await row.locator('.status.completed').waitFor();
    expect(await page.locator('tr[data-key=list-still][data-mark=x]').count()).toBe(1);
    expect(look.problems).toEqual([]);
    await page.context().close();
  });

  test('keys go through it, and what was selected stays so while rows change', async () => {
    const look = await browser.look(`${url}/runs?workflow=invoice`);
    const { page } = look;
    await page.locator('.is-live').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const selected = page.locator('tr.selected');
    const key = await selected.getAttribute('data-key');
    expect(await page.locator('tr[data-key]').nth(1).getAttribute('data-key')).toBe(key);
    await stage.pawl.start(invoice, input, { id: 'list-third' });
    await page.locator('tr[data-key=list-third] .status.waiting').waitFor();
    expect(await selected.getAttribute('data-key')).toBe(key);
    await page.keyboard.press('k');
    expect(await selected.getAttribute('data-key')).not.toBe(key);
    await page.keyboard.press('/');
    expect(await page.locator('input[name=id]:focus').count()).toBe(1);
    await page.keyboard.type('list-th');
    await page.keyboard.press('Enter');
    await page.waitForURL(/id=list-th/);
    expect(await page.locator('tr[data-key]').count()).toBe(1);
    await page.keyboard.press('?');
    expect(await page.locator('#keys[open]').innerText()).toContain('Dark or light');
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/runs\/list-third$/);
    await page.goBack();
    await page.keyboard.press('f');
    await page.waitForURL(/failures$/);
    expect(look.problems).toEqual([]);
    await page.context().close();
  });

  test('a search is its address, and fields open that are asked for', async () => {
    const { page } = await browser.look(`${url}/runs`);
    await page.locator('select[name=status]').selectOption('open');
    await page.locator('summary', { hasText: 'More conditions' }).click();
    await page.locator('input[name=waitsFor]').fill('approval');
    await page.locator('form.search button').click();
    await page.waitForURL(/status=open.*waitsFor=approval/);
    expect(await page.locator('input[name=waitsFor]').inputValue()).toBe('approval');
    expect(await page.locator('input[name=waitsFor]').isVisible()).toBe(true);
    const again = await browser.look(page.url());
    expect(await again.page.locator('tr[data-key]').count()).toBeGreaterThan(0);
    await again.page.context().close();
    await page.context().close();
  });

  test('dark is kept in this browser', async () => {
    const { page } = await browser.look(`${url}/runs`, { colorScheme: 'light' });
    const ground = (): Promise<unknown> =>
      page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.keyboard.press('d');
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload({ waitUntil: 'load' });
    expect(await ground()).toBe(dark);
    await page.keyboard.press('d');
    expect(await ground()).toBe(light);
    await page.context().close();
  });

  test('comes back after a restart of the server of the pages', async () => {
    const own = await stage.serve();
    const port = Number(new URL(own).port);
    const { page } = await browser.look(`${own}/runs?id=list-back`);
    await page.locator('.is-live').waitFor();
    await stage.stopServing(own);
    await page.locator('#live', { hasText: 'trying again' }).waitFor();
    await stage.pawl.start(upload, { file: 'x' }, { id: 'list-back-1' });
    await stage.serve({ port });
    await page.locator('tr[data-key=list-back-1]').waitFor();
    await page.context().close();
  });
});

test.each(['light', 'dark'] as const)(
  'a row that has just changed is readable: %s',
  async (colorScheme) => {
    const look = await browser.look(`${url}/runs`, { colorScheme });
    const { page } = look;
    await page.locator('.is-live').waitFor();
    const ground = await page.evaluate<string>(
      `const rows = [...document.querySelectorAll('tr[data-key]')];
    for (const row of rows) row.classList.add('changed');
    for (const one of document.getAnimations()) {
      one.pause();
      one.currentTime = 0;
    }
    getComputedStyle(rows[0]).backgroundColor`,
    );
    expect(ground).not.toBe('rgba(0, 0, 0, 0)');
    expect(await look.violations()).toEqual([]);
    await page.context().close();
  },
);

test('many runs are counted, and only a yes ends them', async () => {
  const runs = await Promise.all(
    [1, 2, 3].map((n) => stage.pawl.start(invoice, input, { id: `many-${n}` })),
  );
  await Promise.all(runs.map((run) => untilStatus(run, 'waiting')));
  const { page } = await browser.look(`${url}/runs?id=many-`);
  await page.locator('summary', { hasText: 'Act on all' }).click();
  await page.locator('a', { hasText: 'Cancel…' }).click();
  expect(await page.locator('main').innerText()).toContain('3 runs would be asked to end');
  const button = page.locator('button', { hasText: 'Cancel: 3 runs' });
  await button.click();
  // The browser holds back what was not ticked.
  expect(await page.locator('.said').count()).toBe(0);
  await page.locator('input[name=reason]').fill('the demo is over');
  await page.locator('input[name=sure]').check();
  await button.click();
  await page.locator('.said', { hasText: '3 runs were asked to end.' }).waitFor();
  await Promise.all(runs.map((run) => untilStatus(run, 'cancelled')));
  await page.context().close();
});

describe('runs that are chosen', () => {
  test('are counted and acted on together, by boxes or by keys, while the list changes', async () => {
    const runs = await Promise.all(
      [1, 2, 3].map((n) => stage.pawl.start(invoice, input, { id: `pick-${n}` })),
    );
    await Promise.all(runs.map((run) => untilStatus(run, 'waiting')));
    const look = await browser.look(`${url}/runs?id=pick-`);
    const { page } = look;
    await page.locator('.is-live').waitFor();
    const cancel = page.locator('#chosen button', { hasText: 'Cancel…' });
    expect(await cancel.isDisabled()).toBe(true);
    await page.getByLabel('Choose pick-1').check();
    // What is chosen holds no news up, and stays chosen.
    await stage.pawl.run('pick-1').pause();
    await page.locator('tr[data-key=pick-1]', { hasText: 'paused' }).waitFor();
    await stage.pawl.start(invoice, input, { id: 'pick-4' });
    await page.locator('tr[data-key=pick-4] .status.waiting').waitFor();
    expect(await page.getByLabel('Choose pick-1').isChecked()).toBe(true);
    for (const _ of [1, 2]) await page.keyboard.press('j');
    const by = await page.locator('tr.selected').getAttribute('data-key');
    await page.keyboard.press('x');
    expect(await page.getByLabel(`Choose ${by}`).isChecked()).toBe(true);
    expect(await page.locator('#chosen-count').innerText()).toBe('2 chosen:');
    await cancel.click();
    expect(await page.locator('main').innerText()).toContain(
      '2 chosen runs: 2 runs would be asked',
    );
    await page.locator('input[name=sure]').check();
    await page.locator('button', { hasText: 'Cancel: 2 runs' }).click();
    await page.locator('.said', { hasText: '2 runs were asked to end.' }).waitFor();
    const cancelled = async (): Promise<string[]> => {
      const { runs: now } = await stage.pawl.list({ idPrefix: 'pick-', status: 'cancelled' });
      return now.map(({ id }) => id).toSorted();
    };
    await expect.poll(cancelled).toEqual(['pick-1', String(by)].toSorted());
    expect(look.problems).toEqual([]);
    await page.context().close();
  });

  test('also without a script; none is a page that says so', async () => {
    const { page } = await browser.look(`${url}/runs?id=pick-`, { javaScriptEnabled: false });
    const pause = page.locator('#chosen button', { hasText: 'Pause…' });
    await pause.click();
    expect(await page.locator('main').innerText()).toContain('no run was chosen');
    await page.goBack();
    await page.getByLabel('Choose pick-4').check();
    await pause.click();
    expect(await page.locator('main').innerText()).toContain('1 chosen run: 1 run would be paused');
    await page.locator('button', { hasText: 'Pause: 1 run' }).click();
    expect(await page.locator('.said').innerText()).toContain('1 run was paused.');
    expect((await stage.pawl.run('pick-4').info()).paused).toBe(true);
    await page.context().close();
  });
});

test('a schedule is paused, started by hand and ended from its page', async () => {
  await stage.pawl.schedule(upload, { file: 'x' }, { id: 'by-hand', cron: '0 3 * * *' });
  const { page } = await browser.look(`${url}/schedules`);
  const row = page.locator('tr[data-key="upload by-hand"]');
  await row.locator('summary', { hasText: 'Act…' }).click();
  await row.locator('button', { hasText: 'Pause' }).click();
  await page.locator('.said', { hasText: 'is paused' }).waitFor();
  await row.locator('td', { hasText: 'paused' }).first().waitFor();
  await row.locator('summary', { hasText: 'Act…' }).click();
  await row.locator('button', { hasText: 'Start a run now' }).click();
  await page.locator('.said', { hasText: 'by hand' }).waitFor();
  await page.locator('.headline .status.completed').waitFor();
  await page.goto(`${url}/schedules`, { waitUntil: 'load' });
  await row.locator('summary', { hasText: 'Act…' }).click();
  const end = row.locator('button', { hasText: 'End it' });
  await end.click();
  expect(await stage.pawl.schedules(upload)).toHaveLength(1);
  await row.locator('input[name=sure]').check();
  await end.click();
  await page.locator('.said', { hasText: 'has ended' }).waitFor();
  expect(await stage.pawl.schedules(upload)).toEqual([]);
  await page.context().close();
});

test('a queue that is paused from elsewhere says so on the open page, and a canary is sent from it', async () => {
  const look = await browser.look(`${url}/queues`);
  const { page } = look;
  await page.locator('.is-live').waitFor();
  const row = page.locator('li[data-key=chat]');
  await stage.pawl.bull.pause({ name: 'chat' });
  await row.locator('h2', { hasText: 'paused' }).waitFor();
  await page.locator('main .error', { hasText: '1 queue is paused in BullMQ' }).waitFor();
  await row.locator('button', { hasText: 'Resume' }).click();
  await page.locator('.said', { hasText: 'The queue goes on.' }).waitFor();
  await row.locator('button', { hasText: 'Send a canary' }).click();
  await page.locator('.said', { hasText: 'A worker took the canary.' }).waitFor();
  expect(look.problems).toEqual([]);
  await page.context().close();
});

test('the doctor looks when somebody asks', async () => {
  const look = await browser.look(`${url}/health`);
  const { page } = look;
  await page.locator('button', { hasText: 'Let the doctor look' }).click();
  // On a busy machine presence may not be seen in its second.
  await page.locator('tr[data-key=presence]').waitFor();
  expect(await page.locator('tr[data-key=access]').innerText()).toContain('may do all');
  expect(await look.violations()).toEqual([]);
  await page.context().close();
});

test('a group of failures tries again from its page', async () => {
  await pastHour(stage, 0);
  const { page } = await browser.look(`${url}/failures?workflow=upload`);
  await page.locator('a', { hasText: 'no space left' }).click();
  await page.locator('button', { hasText: 'Try it again' }).click();
  await page.locator('.said', { hasText: '1 run tries again.' }).waitFor();
  await firstEvent(stage.pawl.run('upload-3'), ({ type }) => type === 'operator.retried');
  await page.context().close();
});

test('kill -9 of an owner comes to the open page of recoveries, and of the workers', async () => {
  const run = await stage.pawl.start(
    invoice,
    { ...input, pages: 8, paceMs: 300 },
    { id: 'lost-1' },
  );
  await firstEvent(run, ({ type }) => type === 'page.read');
  const [recoveries, workers] = await Promise.all([
    browser.look(`${url}/recoveries`),
    browser.look(`${url}/workers`),
  ]);
  await Promise.all([recoveries, workers].map(({ page }) => page.locator('.is-live').waitFor()));
  const { lost, heir } = await stage.killOwner(run);
  const row = recoveries.page.locator('tr[data-key^="lost-1 "]');
  await row.waitFor();
  expect(await row.innerText()).toContain('its process died');
  expect(await row.locator(`bdi[title="${lost}"]`).count()).toBe(1);
  await row.locator(`bdi[title="${heir}"]`).waitFor();
  // The time of the replay stands in the log of the run, and comes after it.
  await row.locator('td[data-label=Replay]', { hasText: 'ms' }).waitFor();
  await workers.page.locator(`tr[data-key="${lost}"]`).waitFor({ state: 'detached' });
  expect([...recoveries.problems, ...workers.problems]).toEqual([]);
  await stage.startWorker();
  await Promise.all([recoveries, workers].map(({ page }) => page.context().close()));
});

test('a worker that is drained from the page leaves, and its page says so', async () => {
  const { id } = await stage.startWorker();
  const { page } = await browser.look(`${url}/workers`);
  const row = page.locator(`tr[data-key="${id}"]`);
  await row.locator('summary', { hasText: 'Drain…' }).click();
  await row.locator('input[name=sure]:visible').check();
  await row.locator('button', { hasText: 'Drain' }).click();
  await page.locator('.said', { hasText: 'asked to close' }).waitFor();
  await row.waitFor({ state: 'detached' });
  await page.context().close();
});

test('a worker that is killed from the page shows as a gap and a new owner of its run', async () => {
  const run = await stage.pawl.start(
    invoice,
    { ...input, pages: 30, paceMs: 250 },
    { id: 'killed-1' },
  );
  await firstEvent(run, ({ type }) => type === 'page.read');
  const [workers, owned] = await Promise.all([
    browser.look(`${url}/workers`),
    browser.look(`${url}/runs/killed-1`),
  ]);
  await owned.page.locator('#run.is-live').waitFor();
  const { worker: lost, seq } = await run.info();
  const row = workers.page.locator(`tr[data-key="${lost}"]`);
  await row.locator('summary', { hasText: 'Kill…' }).click();
  await row.locator('input[name=sure]:visible').check();
  await row.locator('button', { hasText: 'Kill (SIGKILL)' }).click();
  await workers.page.locator('.said', { hasText: 'was killed' }).waitFor();
  await row.waitFor({ state: 'detached' });
  const claimed = await firstEvent(run, (one) => one.seq > seq && one.type === 'run.claimed');
  const { worker: heir } = claimed.data as { worker: string };
  expect(heir).not.toBe(lost);
  await owned.page.locator(`[data-part=head] [title="${heir}"]`).waitFor();
  await owned.page.locator('.holders .lost').filter({ hasText: 'nobody for' }).waitFor();
  expect(await owned.page.locator('.owners .gap').count()).toBeGreaterThan(0);
  expect([...workers.problems, ...owned.problems]).toEqual([]);
  await Promise.all([workers, owned].map(({ page }) => page.context().close()));
});
