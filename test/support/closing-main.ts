import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow, Pawl } from 'pawl';

// Opens a pawl, has a worker for a moment, closes it, and says how long the process stayed after that. With a process id
// in its arguments it ends that server before it closes.
const [url = '', server] = process.argv.slice(2);
const pawl = await Pawl.open({ redis: url });
const idle = defineWorkflow({ name: 'idle', run: () => 1 });
await pawl.worker({ workflows: [idle] }).ready();
await (await pawl.start(idle, undefined)).result();
if (server !== undefined) {
  process.kill(Number(server), 'SIGKILL');
  await sleep(1000);
  // Calls that will have no answer: their deadlines must not keep the process.
  for (let i = 0; i < 3; i++) pawl.workers().catch(() => undefined);
}
await pawl.close({ graceMs: 100 });
const closedAt = performance.now();
process.on('exit', () => {
  process.stdout.write(
    `${JSON.stringify({ message: 'ended', ms: performance.now() - closedAt })}\n`,
  );
});
