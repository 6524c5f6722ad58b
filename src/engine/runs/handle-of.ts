import { isEnded, type RunRecord } from '../../core/run.ts';
import type { RunEvent } from '../../core/event.ts';
import type { EventSchemas } from '../definition/context.ts';
import type { OutputSchemas } from '../definition/outputs.ts';
import type { HandleServices } from './handle-services.ts';
import { type KnownRun, RunHandle } from './run-handle.ts';

/** The handle of a run that was just started or found, which knows what its record says. */
export function handleOf<O, S, G extends EventSchemas, E extends RunEvent, C extends OutputSchemas>(
  { id, status }: RunRecord,
  services: HandleServices,
  known: Omit<KnownRun, 'isOpen'>,
): RunHandle<O, S, G, E, C> {
  return new RunHandle(id, services, { ...known, isOpen: !isEnded(status) });
}
