/**
 * Starts the hook for the end of a run: a run of the workflow `<name>.end`, see `definition/end-hook.ts`.
 *
 *   run ends, in one script: ended, notifyPending ──create──▶ the hook's run is there ──claimed──▶ told
 *
 * That somebody is to be told of the end is noted when the run ends, by the same script, as it is for a parent. The worker
 * that ended the run starts the hook at once; whatever does not come to that, the sweeper of any worker does: it needs none
 * of the workflow's code. The id and the birth of the hook's run are made of the run, its birth and the fence of its end, so
 * that all of them make the same one. A run that is resumed and ends again has another fence, and so another hook.
 *
 * It counts as done when the hook's run was seen to have begun: a creation that Redis acknowledged may be forgotten.
 *
 *   crash before the end is stored     there is no end, and no hook
 *   crash after it                     the run is notifyPending and due: the sweeper starts the hook
 *   crash after the creation           the same run is found; it is due by itself
 *   crash in the hook                  as in any handler: it is called again, finished steps keep their results
 */
import { createHash } from 'node:crypto';
import { decode } from '../../core/codec.ts';
import { type ErrorRecord, PawlError } from '../../core/errors.ts';
import { fixedLimits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { EndStatus } from '../../core/retention.ts';
import type { RunRecord } from '../../core/run.ts';
import { endWorkflowName, type RunEnd } from '../definition/end-hook.ts';
import { encodeRecord } from '../payloads.ts';
import { createRun, type StartParts, wakeOrQueue } from './start.ts';

interface HookParts extends Pick<StartParts, 'store' | 'wake'> {
  readonly logger: Logger;
}

/** The tag by which the hooks of a run are found. */
export const endTag = 'end-of';

/** Starts the hook of an ended run, or finds it. True when it was seen to have begun. */
export async function startEndHook(parts: HookParts, record: RunRecord): Promise<boolean> {
  const { store, logger } = parts;
  const token = digest(record.birth, record.fence);
  const run = hookId(record.id, token);
  const known = await store.record(run);
  if (known !== undefined && known.birth !== token) {
    logger.error({ run: record.id, hook: run }, 'another run has the id of the hook for the end');
    return true;
  }
  if (known !== undefined) return known.fence > 0;
  const { record: made } = await createRun(parts, {
    run,
    workflow: endWorkflowName(record.workflow),
    codeVersion: 0,
    input: encodeRecord(endOf(record)),
    tags: { [endTag]: record.id },
    token,
  });
  await wakeOrQueue(parts, made);
  return false;
}

function hookId(run: string, token: string): string {
  const end = `.end.${token.slice(0, 16)}`;
  return run.slice(0, fixedLimits.runIdLength - end.length) + end;
}

/** Of this end of this run: letters and digits only. */
function digest(birth: string, fence: number): string {
  return createHash('sha256').update(`${birth}\n${fence}`).digest('hex');
}

function endOf(record: RunRecord): RunEnd {
  const { id: run, workflow, tags, status, changedAt, output, error } = record;
  const about = { run, workflow, tags, endedAt: new Date(changedAt) };
  if (status === 'completed') return { ...about, status, output: readable(run, 'output', output) };
  const why = readable(run, 'error', error) as ErrorRecord | undefined;
  return {
    ...about,
    status: status as Exclude<EndStatus, 'completed'>,
    error: why ?? { name: 'Error', message: 'no reason recorded' },
  };
}

/** Damaged bytes must not hide the end. */
function readable(run: string, what: string, bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return decode(bytes, { key: `run ${run}, ${what}` });
  } catch (error) {
    if (PawlError.is(error) && error.code === 'PAWL_CORRUPT') return undefined;
    throw error;
  }
}
