/**
 * Says that nobody works on a run somebody waits for: no worker at all was started, or none that knows its workflow. Nothing
 * goes wrong then, and so nothing else would say it.
 *
 * Said once for each workflow. Whoever waits for a thousand runs asks no more often who is there than one who waits for one.
 */
import type { Clock } from '../../core/clock.ts';
import type { Fleet } from '../../core/fleet.ts';
import type { RunRecord } from '../../core/run.ts';

export interface AttendanceOptions {
  readonly fleet: Pick<Fleet, 'workers'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly warn: (about: { readonly run: string; readonly workflow: string }, text: string) => void;
}

/** A worker that is just being started is there within this time. */
const patienceMs = 5_000;
const sampleEveryMs = 5_000;

export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #said = new Set<string>();
  /** Workflows that a registered worker knows. */
  #known: Promise<ReadonlySet<string>> | undefined;
  #polledAt = 0;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  /** Called now and then with a run that has been waited for so long. */
  check(record: RunRecord, waitedMs: number): void {
    const { id: run, workflow, status, paused } = record;
    const isReady = (status === 'queued' || status === 'interrupted') && !paused;
    if (!isReady || waitedMs < patienceMs || this.#said.has(workflow)) return;
    const say = async (): Promise<void> => {
      const known = await this.#workflows();
      if (known.has(workflow) || this.#said.has(workflow)) return;
      this.#said.add(workflow);
      this.#options.warn(
        { run, workflow },
        `nobody works on run ${run}: no worker that is running knows the workflow ${workflow}. The run waits for one, such as pawl.worker({ workflows: [${workflow}] }) in this or another process`,
      );
    };
    // Who waits for the run has the trouble with Redis, too, and is told of it there.
    say().catch(() => undefined);
  }

  #workflows(): Promise<ReadonlySet<string>> {
    const { fleet, clock } = this.#options;
    const now = clock.monotonic();
    if (this.#known === undefined || now - this.#polledAt > sampleEveryMs) {
      this.#polledAt = now;
      this.#known = fleet
        .workers()
        .then((workers) => new Set(workers.flatMap(({ workflows }) => Object.keys(workflows))));
    }
    return this.#known;
  }
}
