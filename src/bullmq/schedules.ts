/**
 * Schedules on BullMQ's job schedulers. BullMQ makes one job for each time and may hand it out more than once; its id holds
 * the time, so whoever gets it starts the same run.
 */
import type { Job, Queue } from 'bullmq';
import { z } from 'zod';
import type { Schedule, Schedules, Tick } from '../core/queue.ts';

const tickName = 'tick';
const tickSchema = z.object({ schedule: z.string(), workflow: z.string(), data: z.string() });
const idPattern = /^repeat:(.*):(\d+)$/;

export function bullSchedules(queueOf: (workflow: string) => Queue): Schedules {
  return {
    async save(schedule) {
      const { id, workflow, data } = schedule;
      await queueOf(workflow).upsertJobScheduler(id, repeatOf(schedule), {
        name: tickName,
        data: { schedule: id, workflow, data },
        opts: {
          removeOnComplete: true,
          removeOnFail: { count: 100 },
          attempts: 20,
          backoff: { type: 'exponential', delay: 250 },
        },
      });
    },
    remove: (workflow, id) => queueOf(workflow).removeJobScheduler(id),
    async list(workflow) {
      const schedulers = await queueOf(workflow).getJobSchedulers();
      return schedulers.map(({ key, pattern, every, next }) => ({
        id: key,
        cron: pattern ?? undefined,
        everyMs: every,
        nextAt: next,
      }));
    },
  };
}

function repeatOf({
  cron,
  timeZone,
  everyMs,
}: Schedule): Parameters<Queue['upsertJobScheduler']>[1] {
  if (cron === undefined) return { every: everyMs ?? 0 };
  return { pattern: cron, ...(timeZone === undefined ? {} : { tz: timeZone }) };
}

/** The tick a job stands for; undefined for any other job. */
export function toTick(job: Job): Tick | undefined {
  if (job.name !== tickName) return undefined;
  const tick = tickSchema.parse(job.data);
  const match = idPattern.exec(job.id ?? '');
  return { ...tick, at: match === null ? job.timestamp : Number(match[2]) };
}
