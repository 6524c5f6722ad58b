/**
 * A worker process for chaos tests: `node worker-main.js '{"url":…,"prefix":…,"worker":{…}}'`. Prints what it logs, one
 * JSON object per line; SIGTERM closes it gracefully.
 */
import { Pawl } from '../../src/index.ts';
import type { Durability, Logger, WorkerOptions } from '../../src/index.ts';
import { blocking, diary, patient, poison, rounds, stubborn, talking, ticks } from './workflows.ts';

interface Setup {
  readonly url: string;
  readonly prefix: string;
  readonly worker?: Partial<WorkerOptions>;
  readonly graceMs?: number;
  readonly durability?: Durability;
}

const setup = JSON.parse(process.argv[2] ?? '{}') as Setup;

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const log =
  (level: string) =>
  (fields: object, message: string): void =>
    say({ level, message, ...fields });
const logger: Logger = {
  debug: log('debug'),
  info: log('info'),
  warn: log('warn'),
  error: log('error'),
};

say({ message: 'started' });
const pawl = await Pawl.open({
  redis: setup.url,
  prefix: setup.prefix,
  logger,
  ...(setup.durability === undefined ? {} : { durability: setup.durability }),
});
const worker = pawl.worker({
  workflows: [ticks, poison, stubborn, rounds, blocking, patient, diary, talking],
  ...setup.worker,
});
await worker.ready();
say({ message: 'ready', worker: worker.id });

process.once('SIGTERM', () => {
  void pawl.close({ graceMs: setup.graceMs ?? 10_000 }).then(() => {
    say({ message: 'closed' });
    process.exit(0);
  });
});
