/**
 * A worker. On SIGTERM it takes no new runs, gives bodies at work some time, and hands the other runs to other workers.
 *
 *   REDIS_URL    where Redis is
 *   PORT         of probes and metrics
 *   GRACE_MS     what bodies get; shorter than the time that Docker or Kubernetes waits before SIGKILL
 *   APP_VERSION  version of the workflows
 */
import { Pawl } from 'pawl';
import { registerMetrics } from 'pawl/metrics';
import { Registry } from 'prom-client';
import { serve } from './http.mjs';
import { order } from './workflows.mjs';

const registry = new Registry();
registerMetrics(registry);
const pawl = await Pawl.open({ redis: process.env.REDIS_URL });
const worker = pawl.worker({ workflows: [order] });
// Liveness never asks Redis: an outage of it would restart all workers.
const server = serve(Number(process.env.PORT ?? 8080), {
  registry,
  isReady: () => worker.readiness.ready,
});
async function end() {
  await pawl.close({ graceMs: Number(process.env.GRACE_MS ?? 20_000) });
  server.close();
  process.exit(0);
}
process.once('SIGTERM', () => void end());
await worker.ready();
console.log(`worker ${worker.id} is ready`);
