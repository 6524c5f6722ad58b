/** Other work on the machine, while something is measured. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startRedisServer } from '../../src/testing/redis-server.ts';

/** `computing`: as many processes as cores. `syncing`: another Redis with appendfsync always, and a process that writes. */
export type Noise = 'computing' | 'syncing';

const main = fileURLToPath(new URL('noise-main.js', import.meta.url));

/** Resolves when it is loud; what it returns ends it. */
export async function startNoise(noise: Noise): Promise<() => Promise<void>> {
  if (noise === 'computing') return make(Array.from({ length: availableParallelism() }, () => []));
  const server = await startRedisServer({ config: { appendfsync: 'always' } });
  const hush = await make([[server.url]]);
  return async () => {
    await hush();
    await server.stop();
  };
}

async function make(processes: readonly (readonly string[])[]): Promise<() => Promise<void>> {
  const children = processes.map((args) =>
    fork(main, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  return async () => {
    await Promise.all(children.map(end));
  };
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
