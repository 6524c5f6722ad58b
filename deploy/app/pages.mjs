/**
 * The pages, and the metrics that only the store knows. One such process is enough; a second one does no harm.
 *
 *   REDIS_URL       where Redis is
 *   PORT            of probes and metrics
 *   PAGES_PORT      of the pages
 *   PAGES_USER      who may see them and act on runs
 *   PAGES_PASSWORD  the password of that person
 */
import { Pawl } from 'pawl';
import { serveDashboard } from 'pawl/dashboard';
import { registerFleetMetrics } from 'pawl/metrics';
import { Registry } from 'prom-client';
import { serve } from './http.mjs';
import { order } from './workflows.mjs';

const pawl = await Pawl.open({ redis: process.env.REDIS_URL });
const registry = new Registry();
registerFleetMetrics(registry, { main: pawl });
const pages = await serveDashboard(pawl, {
  port: Number(process.env.PAGES_PORT ?? 4777),
  host: '0.0.0.0',
  user: process.env.PAGES_USER,
  password: process.env.PAGES_PASSWORD,
  workflows: [order],
});
const server = serve(Number(process.env.PORT ?? 8080), {
  registry,
  isReady: async () => (await pawl.health({ timeoutMs: 1_000 })).status !== 'down',
});
async function end() {
  server.close();
  await pages.close();
  await pawl.close();
  process.exit(0);
}
process.once('SIGTERM', () => void end());
console.log(`pages are ready at ${pages.url}`);
