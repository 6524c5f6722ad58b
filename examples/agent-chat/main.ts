/**
 * `npm run example -- agent-chat`: a web chat whose answers go on in the same tab when their worker is killed. It serves the
 * page until Ctrl-C. With `--play` a visitor without a browser plays its story once.
 */
import { once } from 'node:events';
import type { Stage } from '../support/stage.ts';
import { Fleet } from './fleet.ts';
import { serveChat } from './server.ts';
import { Visitor } from './visitor.ts';

const port = Number(process.env['PAWL_CHAT_PORT'] ?? 3100);

export async function main(stage: Stage): Promise<void> {
  const isPlayed = process.argv.includes('--play');
  const fleet = await Fleet.start(stage);
  const server = await serveChat({ pawl: stage.pawl, fleet }, isPlayed ? 0 : port);
  try {
    if (isPlayed) await play(stage, new Visitor(server.url, 'visitor'));
    else {
      stage.say(`the chat is at ${server.url} (Ctrl-C ends it)`);
      await once(process, 'SIGINT');
    }
  } finally {
    await server.stop();
    await fleet.stop();
  }
}

async function play(stage: Stage, visitor: Visitor): Promise<void> {
  await visitor.enter();
  let hasKilled = false;
  const cut = await visitor.ask('Say 40 words', async ({ text }) => {
    if (hasKilled || !text.includes('w10 ')) return;
    hasKilled = true;
    await visitor.kill();
  });
  stage.say(`answer: ${cut.text}`);
  stage.say(`halves that the page dropped: ${cut.drops}`);
  await visitor.ask('My name is Ada');
  const looked = await visitor.ask('Where is order 17?');
  stage.say(`answer: ${looked.text}`);
  let hasAgreed = false;
  const refunded = await visitor.ask('Refund order 17', async ({ parts }) => {
    const asked = parts.find(({ state }) => state === 'asked');
    if (asked?.approval === undefined || hasAgreed) return;
    hasAgreed = true;
    await visitor.approve(asked.approval, true);
  });
  stage.say(`answer: ${refunded.text}`);
  stage.say(`answer: ${(await visitor.ask('What is my name?')).text}`);
}
