/**
 * A resume queue whose schedules carry sealed inputs. Wake-ups have nothing to seal: run, workflow, fence.
 *
 * A tick that fails leaves its error in the queue, in clear. So what it throws here is only the code; the error itself
 * goes to the log of the worker.
 */
import type { Cipher } from '../core/cipher.ts';
import { PawlError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type {
  Consumer,
  ConsumeOptions,
  ResumeQueue,
  Schedules,
  SendOptions,
  Tick,
  WakeUp,
} from '../core/queue.ts';
import { schedulePlace } from './places.ts';
import { openText, sealText } from './text.ts';

export class EncryptedResumeQueue implements ResumeQueue {
  readonly #queue: ResumeQueue;
  readonly #cipher: Cipher;
  readonly #logger: Logger;
  readonly schedules?: Schedules;

  constructor(queue: ResumeQueue, cipher: Cipher, logger: Logger) {
    this.#queue = queue;
    this.#cipher = cipher;
    this.#logger = logger;
    if (queue.schedules !== undefined) this.schedules = sealed(queue.schedules, cipher);
  }

  send(wakeUp: WakeUp, options?: SendOptions): Promise<void> {
    return this.#queue.send(wakeUp, options);
  }

  consume(options: ConsumeOptions): Promise<Consumer> {
    const { tick } = options;
    if (tick === undefined) return this.#queue.consume(options);
    return this.#queue.consume({ ...options, tick: (one) => this.#tick(one, tick) });
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #tick(tick: Tick, deliver: (tick: Tick) => Promise<void>): Promise<void> {
    const { schedule, workflow } = tick;
    try {
      const data = openText(this.#cipher, tick.data, schedulePlace(workflow, schedule));
      await deliver({ ...tick, data });
    } catch (error) {
      this.#logger.error({ schedule, workflow, error: String(error) }, 'scheduled run not started');
      const code = PawlError.is(error) ? error.code : 'an error';
      // oxlint-disable-next-line preserve-caught-error -- its text is what must not be stored
      throw new Error(`The scheduled run was not started: ${code}, see the log of the worker.`);
    }
  }
}

function sealed(schedules: Schedules, cipher: Cipher): Schedules {
  return {
    save: (schedule) => {
      const place = schedulePlace(schedule.workflow, schedule.id);
      return schedules.save({ ...schedule, data: sealText(cipher, schedule.data, place) });
    },
    remove: (workflow, id) => schedules.remove(workflow, id),
    list: (workflow) => schedules.list(workflow),
  };
}
