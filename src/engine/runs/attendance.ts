/**
 * Says why nobody works on a run somebody waits for: no worker knows its workflow, the queue was paused in a dashboard of
 * BullMQ, or the run is paused itself. Nothing goes wrong then, and so nothing else would say it.
 *
 * Said once for each workflow, and for each run that is paused. Whoever waits for a thousand runs asks no more often who is
 * there than one who waits for one.
 */
import type { Clock } from '../../core/clock.ts';
import type { Fleet } from '../../core/fleet.ts';
import type { Logger } from '../../core/logger.ts';
import type { ResumeQueue } from '../../core/queue.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';

export interface AttendanceOptions {
  readonly fleet: Pick<Fleet, 'workers'>;
  readonly queue: Pick<ResumeQueue, 'inspect'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

/** A worker that is just being started is there within this time. */
const patienceMs = 5_000;
const sampleEveryMs = 5_000;
/** Of one process; a loop over very many paused runs would fill its memory. */
const pausedMax = 100;

export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #said = new Set<string>();
  readonly #paused = new Set<string>();
  /** Workflows that a registered worker knows. */
  #known: Promise<ReadonlySet<string>> | undefined;
  /** By workflow, and as old. */
  #queues = new Map<string, Promise<boolean>>();
  #polledAt = 0;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  /** Called now and then with a run that has been waited for so long. */
  check(record: RunRecord, waitedMs: number): void {
    if (waitedMs < patienceMs || isEnded(record.status)) return;
    if (record.paused) {
      this.#notePaused(record);
      return;
    }
    const { workflow, status } = record;
    const isReady = status === 'queued' || status === 'interrupted';
    // Who waits for the run has the trouble with Redis, too, and is told of it there.
    if (isReady && !this.#said.has(workflow)) this.#noteReady(record).catch(() => undefined);
  }

  #notePaused({ id: run, workflow }: RunRecord): void {
    if (this.#paused.has(run) || this.#paused.size >= pausedMax) return;
    this.#paused.add(run);
    this.#options.logger.warn(
      { run, workflow },
      `nobody works on run ${run}: it is paused. It goes on after pawl.run('${run}').resume()`,
    );
  }

  async #noteReady({ id: run, workflow }: RunRecord): Promise<void> {
    const known = await this.#workflows();
    const why = !known.has(workflow)
      ? `no worker that is running knows the workflow ${workflow}. The run waits for one, such as pawl.worker({ workflows: [${workflow}] }) in this or another process`
      : (await this.#isPaused(workflow))
        ? `the queue of the workflow ${workflow} is paused in BullMQ. Its runs wait until the queue is resumed there`
        : undefined;
    if (why === undefined || this.#said.has(workflow)) return;
    this.#said.add(workflow);
    this.#options.logger.warn({ run, workflow }, `nobody works on run ${run}: ${why}`);
  }

  #isPaused(workflow: string): Promise<boolean> {
    const asked =
      this.#queues.get(workflow) ??
      (async () => (await this.#options.queue.inspect?.(workflow))?.paused === true)();
    this.#queues.set(workflow, asked);
    return asked;
  }

  #workflows(): Promise<ReadonlySet<string>> {
    const { fleet, clock } = this.#options;
    const now = clock.monotonic();
    if (this.#known === undefined || now - this.#polledAt > sampleEveryMs) {
      this.#polledAt = now;
      this.#queues = new Map();
      this.#known = fleet
        .workers()
        .then((workers) => new Set(workers.flatMap(({ workflows }) => Object.keys(workflows))));
    }
    return this.#known;
  }
}
