/** The state of a run at a moment: now, after an event, or as a checkpoint keeps it; and what differs between two. */
import { isCheckpointId } from '../core/checkpoint.ts';
import { recordError } from '../core/error-record.ts';
import { InvalidError } from '../core/errors.ts';
import { threadWorkflow } from '../core/langgraph.ts';
import type { Difference } from '../engine/runs/diff.ts';
import type { StatePoint } from '../engine/runs/run-handle.ts';
import type { RunInfo } from '../engine/runs/run-info.ts';
import type { Pawl } from '../pawl.ts';
import type { Settings } from './settings.ts';

export interface Moment {
  /** A seq, or the id of a checkpoint. */
  readonly at: string;
  /** True for the newest event, when no moment was asked for. */
  readonly isNow: boolean;
  readonly state: unknown;
  /** Only the last snapshot is known: this page does not have the workflow's code. */
  readonly isStored: boolean;
  /** Why there is no state to show. */
  readonly problem?: string;
  /** The moment it is compared with. */
  readonly from?: string;
  readonly differences?: readonly Difference[];
}

/** @throws InvalidError for a text that is neither a seq nor the id of a checkpoint. */
export function toStatePoint(text: string): StatePoint {
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text) };
  if (isCheckpointId(text)) return { checkpoint: text };
  throw new InvalidError('at', 'must be a seq, or the id of a checkpoint such as 3-0.');
}

/** Never rejects for a state that cannot be told; it says why. @throws InvalidError for a bad moment. */
export async function readMoment(
  pawl: Pawl,
  { workflows }: Settings,
  about: {
    readonly run: RunInfo;
    readonly stored: unknown;
    readonly asked: { readonly at?: string | undefined; readonly from?: string | undefined };
  },
): Promise<Moment> {
  const { run, stored, asked } = about;
  const isNow = asked.at === undefined || asked.at === '';
  const at = isNow ? `${run.seq}` : (asked.at ?? '');
  const point = toStatePoint(at);
  const from = fromOf(asked.from, isNow, point);
  const before = from === undefined ? undefined : toStatePoint(from);
  const workflow = workflows.get(run.workflow);
  if (workflow === undefined && run.workflow !== threadWorkflow) {
    const problem = isNow
      ? {}
      : {
          problem: `This page does not know the code of ${run.workflow}: pawl ui --runs names it.`,
        };
    return { at, isNow, state: isNow ? stored : undefined, isStored: true, ...problem };
  }
  const handle = workflow === undefined ? pawl.run(run.id) : pawl.run(workflow, run.id);
  try {
    const state =
      'seq' in point
        ? await handle.state(isNow ? {} : { seq: point.seq })
        : await handle.checkpoint(point.checkpoint);
    if (from === undefined || before === undefined) return { at, isNow, state, isStored: false };
    const differences = await handle.diff(before, point);
    return { at, isNow, state, isStored: false, from, differences };
  } catch (error) {
    const { message } = recordError(error);
    return { at, isNow, state: isNow ? stored : undefined, isStored: isNow, problem: message };
  }
}

/** An event is compared with the one before, if nothing else is asked for. */
function fromOf(asked: string | undefined, isNow: boolean, point: StatePoint): string | undefined {
  if (asked !== undefined && asked !== '') return asked;
  if (isNow || !('seq' in point) || point.seq < 2) return undefined;
  return `${point.seq - 1}`;
}
