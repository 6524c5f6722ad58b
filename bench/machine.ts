/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { Redis } from 'ioredis';
import type { Machine } from './result.ts';

const require = createRequire(import.meta.url);

export async function describe(url: string, loadAtStart: number): Promise<Machine> {
  const redis = new Redis(url);
  const info = await redis.info('server');
  redis.disconnect();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    loadAtStart,
    loadAtEnd: currentLoad(),
    node: process.versions.node,
    redis: /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown',
    ioredis: versionOf('ioredis'),
    bullmq: versionOf('bullmq'),
    pawl: versionOf('pawl'),
    commit: commit(),
  };
}

/** Processes that wanted a core in the last minute: above the number of cores, somebody else was at work. */
export function currentLoad(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

function versionOf(name: string): string {
  return (require(`${name}/package.json`) as { version: string }).version;
}
