/** What a person does with the schedules of a pawl. */
import { checkRequest, type Request } from './core/request.ts';
import { type Named, nameOf } from './engine/definition/check-workflow.ts';
import {
  type OperateServices,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  triggerSchedule,
} from './engine/schedules/operate.ts';

/** Schedules that are there, to hold back, to try, and to end: `pawl.scheduled`. `pawl.schedule` makes one. */
export class Scheduled {
  readonly #services: OperateServices;

  constructor(services: OperateServices) {
    this.#services = services;
  }

  /**
   * Holds a schedule back until `resume`, also when it is saved again. Times that pass meanwhile are not missed: nobody
   * starts them later. False when the workflow has none with this id. The logger tells who asked and why.
   * @throws InvalidError for a bad name; UnavailableError.
   */
  async pause(workflow: Named, id: string, request: Request = {}): Promise<boolean> {
    return pauseSchedule(this.#services, asked(workflow, id, request));
  }

  /** Goes on with the first time from now. False when the workflow has none with this id. @throws as `pause`. */
  async resume(workflow: Named, id: string, request: Request = {}): Promise<boolean> {
    return resumeSchedule(this.#services, asked(workflow, id, request));
  }

  /**
   * Starts a run now, with the input of the schedule, and returns the run's id, `<schedule id>.now.<time>`. The times of the
   * schedule stay as they are, and neither `overlap` nor a pause holds it up. Undefined when the workflow has none with
   * this id.
   * @throws as `pause`; EncryptionError for an input that cannot be opened.
   */
  async trigger(workflow: Named, id: string, request: Request = {}): Promise<string | undefined> {
    return triggerSchedule(this.#services, asked(workflow, id, request));
  }

  /** Ends a schedule; runs that it has started go on. False when the workflow has none with this id. @throws as `pause`. */
  async remove(workflow: Named, id: string, request: Request = {}): Promise<boolean> {
    return removeSchedule(this.#services, asked(workflow, id, request));
  }
}

function asked(workflow: Named, id: string, request: Request): Parameters<typeof pauseSchedule>[1] {
  checkRequest(request, 'request');
  return { workflow: nameOf(workflow), id, request };
}
