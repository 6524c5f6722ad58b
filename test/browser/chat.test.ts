// Goal: kill -9 in the middle of an answer, and it goes on in the same browser tab, with each word one time. Method: the
// example as its reader starts it, and Chromium; the page is held to axe, to a telephone, and to its own origin.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { compiled } from '../support/child.ts';
import { type Look, TestBrowser } from './browser.ts';

let chat: ChildProcess;
let browser: TestBrowser;
let url = '';

beforeAll(async () => {
  chat = spawn(process.execPath, [compiled('examples/run.ts'), 'agent-chat'], {
    env: {
      ...process.env,
      PAWL_REDIS_URL: inject('redisUrl'),
      PAWL_CHAT_PORT: '0',
      PAWL_CHAT_PACE_MS: '15',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (chat.stdout === null) throw new Error('the example has no output');
  for await (const line of createInterface(chat.stdout)) {
    url = /the chat is at (\S+)/.exec(line)?.[1] ?? '';
    if (url !== '') break;
  }
  chat.stdout.resume();
  browser = await TestBrowser.open();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  chat?.kill('SIGINT');
  if (chat?.exitCode === null) await once(chat, 'exit');
});

async function ask({ page }: Look, text: string): Promise<void> {
  await page.getByLabel('Your question').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

const answers = ({ page }: Look) => page.locator('li.assistant');
const isOver = ({ page }: Look): Promise<void> =>
  page.getByRole('button', { name: 'Send', disabled: false }).waitFor();

test('an answer whose worker is killed goes on in the same tab', async () => {
  const look = await browser.look(url);
  const { page } = look;
  await ask(look, 'Say 120 words');
  await page.getByText('w20 ').waitFor();
  await page.getByRole('button', { name: 'Kill the worker that answers' }).click();
  await page.getByText('Another one goes on').waitFor();
  await isOver(look);
  const words = Array.from({ length: 120 }, (_, i) => `w${i + 1}`).join(' ');
  expect(await answers(look).locator('p:not(.note)').allTextContents()).toEqual([words]);
  expect(look.problems).toEqual([]);
  await page.context().close();
});

test('a tab that is loaded anew in the middle of an answer has it as well', async () => {
  const look = await browser.look(url);
  await ask(look, 'Say 120 words');
  await look.page.getByText('w20 ').waitFor();
  await look.page.reload({ waitUntil: 'load' });
  await look.page.getByText('w120').waitFor();
  await isOver(look);
  expect(await answers(look).count()).toBe(1);
  expect(await look.page.locator('li.user').allTextContents()).toEqual(['Say 120 words']);
  expect(look.problems).toEqual([]);
  await look.page.context().close();
});

test('a refund waits for a yes, and the conversation is remembered', async () => {
  const look = await browser.look(url);
  const { page } = look;
  await ask(look, 'My name is Ada');
  await isOver(look);
  await page.getByRole('button', { name: 'Refund order 17' }).click();
  await page.getByRole('button', { name: 'Yes' }).click();
  await page.getByText('The money is on its way').waitFor();
  await isOver(look);
  await page.getByRole('button', { name: 'What is my name?' }).click();
  await page.getByText('Your name is Ada.').waitFor();
  expect(look.problems).toEqual([]);
  await page.context().close();
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each([1280, 360])('the page is whole at %i pixels', async (width) => {
    const look = await browser.look(url, { colorScheme, viewport: { width, height: 800 } });
    const { page } = look;
    await ask(look, 'Say 60 words');
    await page.getByText('w20 ').waitFor();
    await page.getByRole('button', { name: 'Kill the worker that answers' }).click();
    await isOver(look);
    await page.getByRole('button', { name: 'Refund order 17' }).click();
    await page.getByRole('button', { name: 'Yes' }).waitFor();
    expect(await look.violations()).toEqual([]);
    const wide = await page
      .locator('html')
      .evaluate((element: { readonly scrollWidth: number }) => element.scrollWidth);
    expect(wide).toBeLessThanOrEqual(width);
    const { PAWL_SHOTS: shots } = process.env;
    if (shots !== undefined) {
      await page.screenshot({ path: `${shots}/chat-${colorScheme}-${width}.png` });
    }
    expect(look.problems).toEqual([]);
    await page.context().close();
  });
});
