// Goal: a list that is watched tells what has changed, until Ctrl-C. Method: `pawl runs list --watch` as a process, over
// real Redis; each change is made when the one before has been told.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Pawl } from 'pawl';
import { cliEnv, cliMain } from '../support/cli.ts';
import { newPrefix, openPawl } from '../support/workers.ts';
import { patient } from '../support/workflows.ts';

const watchers = new Set<ChildProcess>();
let pawl: Pawl;
let prefix: string;

beforeAll(async () => {
  prefix = newPrefix();
  pawl = await openPawl(inject('redisUrl'), prefix);
});

afterAll(async () => {
  for (const watcher of watchers) watcher.kill('SIGKILL');
  await pawl.close();
});

interface Watched {
  /** Resolves when what was printed so far fits. */
  until(fits: (printed: string) => boolean): Promise<string>;
  interrupt(): Promise<unknown[]>;
}

function watch(...flags: readonly string[]): Watched {
  const env = cliEnv({ PAWL_REDIS: inject('redisUrl'), PAWL_PREFIX: prefix });
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const args = [cliMain, 'runs', 'list', '--watch', ...flags];
  const watcher = spawn(process.execPath, args, { env, stdio: [...stdio] });
  watchers.add(watcher);
  let printed = '';
  watcher.stdout?.on('data', (part: Buffer) => {
    printed += String(part);
  });
  return {
    until: async (fits) => {
      while (!fits(printed)) {
        if (watcher.exitCode !== null) throw new Error(`It ended, after:\n${printed}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return printed;
    },
    interrupt: () => {
      watcher.kill('SIGINT');
      return once(watcher, 'close');
    },
  };
}

test('with --json each change of a run is a line, and Ctrl-C ends it', async () => {
  await pawl.start(patient, { mark: '/nowhere' }, { id: 'before' });
  const watched = watch('--json');
  await watched.until((printed) => printed.endsWith('\n'));
  await pawl.start(patient, { mark: '/nowhere' }, { id: 'later' });
  await watched.until((printed) => printed.includes('later'));
  await pawl.run('before').cancel();
  const printed = await watched.until((text) => text.includes('cancelled'));
  const lines = printed.trimEnd().split('\n');
  const told = lines.map((line) => JSON.parse(line) as { id: string; status: string });
  expect(told.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'before queued',
    'later queued',
    'before cancelled',
  ]);
  expect(await watched.interrupt()).toEqual([130, null]);
});

test('without, the table is printed again, also when a run has left it', async () => {
  await pawl.start(patient, { mark: '/nowhere' }, { id: 'leaves' });
  const watched = watch('--id-prefix', 'leaves', '--status', 'queued');
  await watched.until((printed) => /leaves +patient +queued/.test(printed));
  await pawl.run('leaves').cancel();
  const printed = await watched.until((text) => text.endsWith('none\n'));
  expect(printed.match(/leaves/g)).toHaveLength(1);
  expect(await watched.interrupt()).toEqual([130, null]);
});
