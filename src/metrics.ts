/**
 * `pawl/metrics`: what happens in this process as metrics in a registry of prom-client that is yours.
 *
 *   const stop = registerMetrics(register);            // with `import { register } from 'prom-client'`
 *
 * Everything is counted where it happens, from the channels of `engine/diagnostics.ts`; nothing is asked of Redis. Labels
 * are workflows, outcomes and reasons, never runs: their number stays small.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { listen } from './engine/diagnostics.ts';

export { registerFleetMetrics } from './fleet-metrics.ts';

/** Seconds, from a commit on loopback to a take-over after a session has run out. */
const buckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60,
];

/**
 * Registers pawl's metrics. Call it once for a registry; returns the way to stop counting and to take them out again.
 * @throws what prom-client throws when a metric of the same name is registered already.
 */
export function registerMetrics(registry: Registry): () => void {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[]): Counter =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, labelNames: readonly string[]): Histogram =>
    new Histogram({ name, help, labelNames: [...labelNames], registers, buckets: [...buckets] });

  const started = counter('pawl_runs_started_total', 'Runs started here.', ['workflow']);
  const released = counter(
    'pawl_executions_total',
    'Executions that ended here, by the new status of their run, or why it was lost.',
    ['workflow', 'end'],
  );
  const active = new Gauge({
    name: 'pawl_executions_active',
    help: 'Runs at work here.',
    labelNames: ['workflow'],
    registers,
  });
  const execution = histogram('pawl_execution_seconds', 'From a wake-up to the release.', [
    'workflow',
  ]);
  const claim = histogram('pawl_claim_seconds', 'From a wake-up to the claim.', ['workflow']);
  const replay = histogram('pawl_replay_seconds', 'Rebuilding a run after its claim.', [
    'workflow',
  ]);
  const takeover = histogram(
    'pawl_takeover_seconds',
    'From the last sign of life of a lost worker to the claim of its run here.',
    ['workflow', 'reason'],
  );
  const commit = histogram('pawl_commit_seconds', 'Commits, until they were stored.', ['workflow']);
  const events = counter('pawl_events_total', 'Events stored.', ['workflow']);
  const bytes = counter('pawl_event_bytes_total', 'Payloads of the events stored.', ['workflow']);
  const snapshots = counter('pawl_snapshots_total', 'Snapshots saved.', ['workflow']);
  const steps = histogram('pawl_step_seconds', 'Bodies of steps, with their commit.', [
    'workflow',
    'outcome',
  ]);
  const lost = counter(
    'pawl_workers_lost_total',
    'Workers whose runs were taken by the sweeper here.',
    ['reason'],
  );
  const wakeUps = counter('pawl_wake_ups_total', 'Wake-ups sent by the sweeper here.', [
    'workflow',
    'again',
  ]);

  const stops = [
    listen('run:started', ({ workflow }) => started.inc({ workflow })),
    listen('run:claimed', ({ workflow, claimMs, replayMs, takeover: from }) => {
      active.inc({ workflow });
      claim.observe({ workflow }, claimMs / 1000);
      replay.observe({ workflow }, replayMs / 1000);
      if (from === undefined) return;
      takeover.observe({ workflow, reason: from.reason }, (from.detectMs + from.claimMs) / 1000);
    }),
    listen('run:committed', ({ workflow, withSnapshot, ms, ...found }) => {
      commit.observe({ workflow }, ms / 1000);
      events.inc({ workflow }, found.events);
      bytes.inc({ workflow }, found.bytes);
      if (withSnapshot) snapshots.inc({ workflow });
    }),
    listen('run:released', ({ workflow, how, ms }) => {
      active.dec({ workflow });
      released.inc({ workflow, end: how });
      execution.observe({ workflow }, ms / 1000);
    }),
    listen('step:ended', ({ workflow, outcome, ms }) =>
      steps.observe({ workflow, outcome }, ms / 1000),
    ),
    listen('worker:lost', ({ reason }) => lost.inc({ reason })),
    listen('wake-up:sent', ({ workflow, again }) =>
      wakeUps.inc({ workflow, again: String(again) }),
    ),
  ];
  const metrics = [
    started,
    released,
    active,
    execution,
    claim,
    replay,
    takeover,
    commit,
    events,
    bytes,
    snapshots,
    steps,
    lost,
    wakeUps,
  ];
  return () => {
    for (const stop of stops) stop();
    for (const metric of metrics) registry.removeSingleMetric(nameOf(metric));
  };
}

function nameOf(metric: object): string {
  return (metric as { readonly name: string }).name;
}
