/** What the parts of a worker share: made once for each worker, and passed on as it is. */
import type { ResumeQueue } from '../../core/queue.ts';
import type { ExecutionServices } from '../execution/services.ts';
import type { WorkerSettings } from './settings.ts';

export interface WorkerServices extends ExecutionServices {
  readonly queue: ResumeQueue;
  readonly settings: WorkerSettings;
}

/** The services that a part uses, and the settings. */
export type ServicesWith<
  Used extends keyof WorkerServices,
  Settings extends keyof WorkerSettings,
> = Pick<WorkerServices, Used> & { readonly settings: Pick<WorkerSettings, Settings> };
