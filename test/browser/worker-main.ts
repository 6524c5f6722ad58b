/** A worker process for the tests in a browser: `node worker-main.js '{"url":…,"prefix":…}'`. */
import { Pawl } from 'pawl';
import { workflows } from './workflows.ts';

const { url, prefix } = JSON.parse(process.argv[2] ?? '{}') as { url: string; prefix: string };
const pawl = await Pawl.open({ redis: url, prefix });
const worker = pawl.worker({ workflows: [...workflows], beatMs: 500, sessionMs: 5_000 });
await worker.ready();
process.stdout.write(`${JSON.stringify({ message: 'ready', worker: worker.id })}\n`);
process.once('SIGTERM', () => {
  void pawl.close({ graceMs: 500 }).then(() => process.exit(0));
});
