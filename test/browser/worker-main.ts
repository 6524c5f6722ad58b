/** A worker process for the tests in a browser: `node worker-main.js '{"url":…,"prefix":…,"names":[…]}'`. */
import { Pawl } from 'pawl';
import { workflows } from './workflows.ts';

const { url, prefix, names } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly url: string;
  readonly prefix: string;
  readonly names: readonly string[];
};
const pawl = await Pawl.open({ redis: url, prefix });
const own = workflows.filter(({ name }) => names.includes(name));
const worker = pawl.worker({ workflows: own, beatMs: 500, sessionMs: 5_000 });
await worker.ready();
process.stdout.write(`${JSON.stringify({ message: 'ready', worker: worker.id })}\n`);
process.once('SIGTERM', () => {
  void pawl.close({ graceMs: 500 }).then(() => process.exit(0));
});
