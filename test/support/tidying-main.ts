/**
 * A process that lets a failed run go on, or deletes it, and is dead before it could drop the failed job of the run:
 * `node tidying-main.js '{"url":…,"prefix":…,"run":…,"act":"resume"}'`.
 */
import { Pawl } from '../../src/index.ts';

const { url, prefix, run, act } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly url: string;
  readonly prefix: string;
  readonly run: string;
  readonly act: 'resume' | 'delete';
};
const pawl = await Pawl.open({ redis: url, prefix });
await (act === 'resume' ? pawl.run(run).resume() : pawl.delete(run));
process.kill(process.pid, 'SIGKILL');
