/** `npm run example -- <name>`: finds or starts a Redis, plays one example on it, and takes everything down again. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { Pawl } from 'pawl';
import { provideRedis } from 'pawl/testing';
import { removePrefix } from './demo/clean-up.ts';
import type { Stage } from './support/stage.ts';

const folder = new URL('./', import.meta.url);

function mainOf(name: string): URL {
  return new URL(`${name}/main.js`, folder);
}

/** The folders that hold an example; the demo has a command of its own. */
function examples(): string[] {
  return readdirSync(folder).filter((name) => name !== 'demo' && existsSync(mainOf(name)));
}

async function play(name: string): Promise<void> {
  const { main } = (await import(mainOf(name).href)) as { main: (stage: Stage) => Promise<void> };
  const log = (line: string): void => console.error(line);
  const provided = await provideRedis({ install: true, log });
  try {
    const prefix = `example-${randomBytes(4).toString('hex')}`;
    const { url: redis, origin } = provided;
    const pawl = await Pawl.open({ redis, prefix });
    try {
      await main({ pawl, redis, prefix, say: (line) => console.log(line) });
    } finally {
      await pawl.close();
      if (origin === 'environment') await removePrefix(redis, prefix);
    }
  } finally {
    await provided.stop();
  }
}

const [name = ''] = process.argv.slice(2);
if (examples().includes(name)) {
  await play(name);
} else {
  console.error(`npm run example -- <name>, one of: ${examples().join(', ')}`);
  process.exitCode = 2;
}
