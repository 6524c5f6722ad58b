/**
 * What a person does with a schedule: holds it back, lets it go on, starts a run of it at once, ends it. Nothing is kept of
 * who asked but the line of the logger; a run that was started by hand says it by its id.
 *
 * A schedule that is held back makes no times: those that pass meanwhile are not missed, and nobody starts them later. One
 * that is saved again stays held back.
 */
import type { Logger } from '../../core/logger.ts';
import { checkRunId } from '../../core/names.ts';
import type { Request } from '../../core/request.ts';
import { createRun, type StartParts, wakeOrQueue } from '../runs/start.ts';
import { toTimetable } from './timetable.ts';

export interface OperateServices extends Pick<StartParts, 'store' | 'wake'> {
  readonly logger: Logger;
}

/** Which schedule, and who asks. */
export interface Asked {
  readonly workflow: string;
  readonly id: string;
  readonly request: Request;
}

/** The last moment that a Date can tell: a pattern may have no time any more. */
const never = 8.64e15;

/** False when the workflow has no such schedule. @throws InvalidError: nothing was written. */
export async function removeSchedule(
  { store, logger }: OperateServices,
  asked: Asked,
): Promise<boolean> {
  const { workflow, id, request } = checked(asked);
  const isRemoved = await store.schedules.remove(workflow, id);
  if (isRemoved) logger.info({ ...request, schedule: id, workflow }, 'schedule removed');
  return isRemoved;
}

/** False when the workflow has no such schedule. */
export async function pauseSchedule(
  { store, logger }: OperateServices,
  asked: Asked,
): Promise<boolean> {
  const { workflow, id, request } = checked(asked);
  const isHeld = await store.schedules.hold(workflow, id, undefined);
  if (isHeld) logger.info({ ...request, schedule: id, workflow }, 'schedule paused');
  return isHeld;
}

/** Goes on with the first time from now. False when the workflow has no such schedule. */
export async function resumeSchedule(
  { store, logger }: OperateServices,
  asked: Asked,
): Promise<boolean> {
  const { workflow, id, request } = checked(asked);
  const schedule = await store.schedules.read(workflow, id);
  if (schedule === undefined) return false;
  const nextAt = toTimetable(schedule).next(await store.observation.now()) ?? never;
  const goesOn = await store.schedules.hold(workflow, id, nextAt);
  if (goesOn) logger.info({ ...request, schedule: id, workflow }, 'schedule resumed');
  return goesOn;
}

/**
 * Starts a run of the schedule now, beside its times, and returns the run's id; undefined when the workflow has no such
 * schedule. Neither `overlap` nor a pause holds it up.
 */
export async function triggerSchedule(
  services: OperateServices,
  asked: Asked,
): Promise<string | undefined> {
  const { store, logger } = services;
  const { workflow, id, request } = checked(asked);
  const schedule = await store.schedules.read(workflow, id);
  if (schedule === undefined) return undefined;
  const { codeVersion, input, key } = schedule;
  const run = `${id}.now.${await store.observation.now()}`;
  const keyed = key === undefined ? {} : { key };
  const start = { run, workflow, codeVersion, input, tags: { schedule: id }, ...keyed };
  const { record } = await createRun({ store }, { ...start, token: `schedule ${run}` });
  logger.info({ ...request, schedule: id, workflow, run }, 'schedule triggered');
  await wakeOrQueue(services, record);
  return run;
}

function checked(asked: Asked): Asked {
  checkRunId(asked.id, 'schedule id');
  return asked;
}
