/** The Redis behind a pawl. */
import type { QueueInfo } from './core/queue.ts';
import { queuesCheck } from './engine/worker/queues-check.ts';
import type { DoctorReport } from './core/doctor.ts';
import type { ServerBehind } from './wiring.ts';

/** The Redis of a pawl, to name it and to examine it: `pawl.redis`. */
export class PawlRedis {
  /** Where it was found when the pawl was opened, as hosts and ports, without a login. */
  readonly address: string;
  readonly #server: ServerBehind;
  readonly #queues: () => Promise<readonly QueueInfo[]>;

  constructor(server: ServerBehind, queues: () => Promise<readonly QueueInfo[]>) {
    this.address = server.address;
    this.#server = server;
    this.#queues = queues;
  }

  /**
   * What `pawl doctor` finds: rights, clock, presence, persistence, a sample of each index, and the queues. It uses
   * connections of its own, and writes nothing.
   * @throws UnavailableError when Redis does not answer.
   */
  async doctor(): Promise<DoctorReport> {
    const report = await this.#server.examine();
    return { ...report, checks: [...report.checks, await queuesCheck(this.#queues)] };
  }
}
