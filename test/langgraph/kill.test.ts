// Goal: no node whose writes were acknowledged runs again, however often the process dies. Method: an agent with interrupts,
// a subgraph and a fork of the past counts in a process that gets SIGKILL at random moments; a diary has what ran and what
// was acknowledged, in order.
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, test } from 'vitest';
import { compiled, killChildren, spawnNode } from '../support/child.ts';
import { isThorough } from '../support/thorough.ts';
import { newPrefix } from '../support/workers.ts';
import type { AgentSetup } from './agent-main.ts';
import { repeated } from './diaries.ts';

const steps = isThorough ? 1_000 : 60;
const kills = isThorough ? 20 : 3;

const redis = new Redis(inject('redisUrl'), { lazyConnect: true });

afterAll(async () => {
  redis.disconnect();
  await killChildren();
});

test('what ran again is found in a diary', () => {
  expect(repeated(['ran a', 'ran a', 'acknowledged a', 'ran b'])).toEqual([]);
  expect(repeated(['ran a', 'acknowledged a', 'ran a'])).toEqual(['ran a']);
});

test.each(['async', 'sync'] as const)(
  'an agent is killed again and again with durability %s, and no acknowledged node runs again',
  async (durability) => {
    const prefix = newPrefix();
    const diary = `${prefix}:diary`;
    const setup: AgentSetup = { url: inject('redisUrl'), prefix, steps, durability, diary };
    const agent = compiled('test/langgraph/agent-main.ts');
    let killed = 0;
    for (;;) {
      const child = spawnNode(agent, [JSON.stringify(setup)]);
      await child.waitFor(({ message }) => message === 'ready');
      if (killed === kills) {
        const done = await child.waitFor(({ message }) => message === 'done', 240_000);
        expect(done).toMatchObject({ n: steps, count: steps, branch: 'fork' });
        await child.exit;
        break;
      }
      await sleep(20 + Math.random() * (isThorough ? 400 : 150));
      child.kill();
      await child.exit;
      killed += 1;
    }
    const lines = await redis.lrange(diary, 0, -1);
    expect(lines.filter((line) => line.startsWith('acknowledged ')).length).toBeGreaterThan(steps);
    expect(repeated(lines)).toEqual([]);
    const ran = lines.filter((line) => line.startsWith('ran '));
    if (isThorough) console.log(`${ran.length} nodes ran, ${new Set(ran).size} different ones`);
  },
  isThorough ? 300_000 : 60_000,
);
