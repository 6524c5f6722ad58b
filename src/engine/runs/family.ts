/**
 * What runs know of each other. Everything that crosses from one run to another is here, because it may cross from one
 * server to another: it is never part of one write.
 *
 *   child ends ──▶ notifyPending ──post──▶ in the parent's inbox ──taken into its log──▶ told
 *   run with a hook ends ──▶ notifyPending ──create──▶ the hook's run ──seen to have begun──▶ told: see `end-hooks.ts`
 *   parent ends as failed or cancelled ──▶ owes a cancel to attached children ──seen ended──▶ paid
 *   parent waits for a child ──▶ due now and then ──▶ compared with the child
 *
 * A run is known by its id and its birth. An obligation stays noted on the side that owes it, and that run stays due until
 * the other side is *seen* to have what it is owed: an acknowledged write may be forgotten by Redis. Everything here may be
 * done twice, by two processes at once, and may stop at any point: the next process does the rest.
 *
 * A run that is gone owes nothing and is owed nothing. A failed parent may be resumed, so it is told as well.
 */
import { PawlError, RunError } from '../../core/errors.ts';
import type { ChildEnd } from '../../core/event.ts';
import { type Child, Fold } from '../../core/fold.ts';
import { defaults } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';
import type { DueRun } from '../../core/due-run.ts';
import type { PostOutcome } from '../../core/store.ts';
import { decodeError, encodeError, encodeRecord } from '../payloads.ts';
import { decodeEvent, restoreBookkeeping } from '../replay.ts';
import { startEndHook } from './end-hooks.ts';
import type { StartParts } from './start.ts';
import { leaveLine } from './turns.ts';

export interface FamilyParts extends Pick<StartParts, 'store' | 'wake'> {
  readonly logger: Logger;
}

/** A creation that was under way when the parent ended has arrived after this time, or never will. */
const arrivalMs = 15_000;
/** Children that one look at a parked parent compares; the next look goes on with others. */
const childrenPerLook = 100;

/** How a child has ended, as its record says; undefined while it goes on. */
export function endOf(
  child: Pick<Child, 'run' | 'birth'>,
  record: RunRecord,
): ChildEnd | undefined {
  const { run, birth } = child;
  if (record.birth !== birth) {
    const error = { name: 'Error', message: 'the run was deleted, and another one has its id' };
    return { run, birth, fence: Number.MAX_SAFE_INTEGER, status: 'deleted', error };
  }
  if (!isEnded(record.status)) return undefined;
  const error = decodeError(record.error, `run ${run}, error`);
  return {
    run,
    birth,
    fence: record.fence,
    at: record.changedAt,
    status: record.status as ChildEnd['status'],
    ...(record.output === undefined ? {} : { output: record.output }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Tells whoever is to know of the end of a run: its parent, and the hook for the end. */
async function tellOfEnd(parts: FamilyParts, record: RunRecord): Promise<void> {
  if (!isEnded(record.status)) return;
  // Each on its own: what cannot be told to the one is no reason to leave the other without it.
  const [hook, parent] = await Promise.allSettled([
    record.onEnd ? startEndHook(parts, record) : true,
    tellParent(parts, record),
  ]);
  for (const told of [hook, parent]) if (told.status === 'rejected') throw told.reason;
  const isKnown = [hook, parent].every((told) => told.status === 'fulfilled' && told.value);
  if (isKnown) await parts.store.parentNotified(record.id, { fence: record.fence, hook: true });
}

/** Tells the parent of a run that has ended. True when it knows, or there is none. */
async function tellParent(parts: FamilyParts, record: RunRecord): Promise<boolean> {
  if (record.parent === undefined || !isEnded(record.status)) return true;
  const end = endOf({ run: record.id, birth: record.birth }, record);
  if (end === undefined) return true;
  const posted = await post(parts, record.parent, end);
  return !(posted.outcome === 'posted' || (posted.outcome === 'known' && !posted.taken));
}

/**
 * Tells the family of a run that is about to be deleted: its parent must not wait for it, nor its children be left. Returns
 * the children whose creation has not arrived, to be looked for again when the run is gone.
 */
export async function tellOfDeletion(
  parts: FamilyParts,
  record: RunRecord,
): Promise<readonly Child[]> {
  const absent: Child[] = [];
  if (record.status !== 'completed') {
    const children = await attachedTo(parts, record.id);
    for (const child of children) {
      if (!(await cancelChild(parts, record, child, false)) && child.seq === 0) absent.push(child);
    }
    await parts.store.childrenCancelled(record.id, { fence: record.fence });
  }
  await tellOthers(parts, record);
  return absent;
}

/**
 * A creation that arrives after this finds no parent at its first claim; one that has arrived before it is found here. So a
 * child is left alone only when it began while its parent was still there, and the process that deletes dies before this.
 */
export async function cancelLateChildren(
  parts: FamilyParts,
  parent: Pick<RunRecord, 'id' | 'fence'>,
  children: readonly Child[],
): Promise<void> {
  for (const child of children) await cancelChild(parts, parent, child, true);
}

async function tellOthers(parts: FamilyParts, record: RunRecord): Promise<void> {
  const own = endOf({ run: record.id, birth: record.birth }, record);
  if (own !== undefined) {
    if (record.parent !== undefined) await post(parts, record.parent, own);
    if (record.onEnd) await startEndHook(parts, record);
    await parts.store.parentNotified(record.id, { fence: record.fence, hook: true });
    return;
  }
  if (record.parent === undefined) return;
  const error = { name: 'Error', message: 'it was deleted before it had ended' };
  const about = { run: record.id, birth: record.birth, fence: record.fence + 1 };
  await post(parts, record.parent, { ...about, status: 'deleted', error });
}

/** Posts the end of a run to its parent, if it has ended; again, it changes nothing. */
export async function postEnd(
  parts: Pick<FamilyParts, 'store' | 'wake'>,
  record: RunRecord,
): Promise<PostOutcome['outcome']> {
  const end = endOf({ run: record.id, birth: record.birth }, record);
  if (record.parent === undefined || end === undefined) return 'missing';
  return (await post(parts, record.parent, end)).outcome;
}

/**
 * A child that has just been claimed, and whose parent is gone, or is another run: its creation came after the deletion of
 * its parent, or of its parent's end. It is asked to end. True when it was.
 */
export async function cancelOrphan(
  parts: FamilyParts,
  { id: run, parent, attachedTo: birth }: RunRecord,
): Promise<boolean> {
  if (parent === undefined || birth === undefined) return false;
  const record = await parts.store.record(parent);
  const isThere = record?.birth === birth;
  if (isThere && record.status !== 'failed' && record.status !== 'cancelled') return false;
  const reason = `run ${parent}, which started it, ${isThere ? 'was cancelled or failed' : 'is gone'}`;
  const { outcome } = await parts.store.cancel({
    run,
    id: `orphan ${parent} ${birth}`,
    keepMs: defaults.keepMs,
    data: encodeRecord({ reason }),
    error: encodeError(new RunError('PAWL_RUN_CANCELLED', run, reason)),
  });
  return outcome === 'asked';
}

/** Best effort, for a run that has just ended: what is not told here, the sweeper tells. */
export async function tellOfEndOf(parts: FamilyParts, run: string): Promise<void> {
  try {
    const record = await parts.store.record(run);
    if (record !== undefined) await tellOfEnd(parts, record);
  } catch (error) {
    parts.logger.warn({ run, error: String(error) }, 'nobody told of the end yet');
  }
}

/** These ends are in the parent's log: the children owe nothing any more. Best effort; the sweeper asks again. */
export async function noteTold(parts: FamilyParts, ends: readonly ChildEnd[]): Promise<void> {
  for (const { run, fence } of ends) {
    try {
      await parts.store.parentNotified(run, { fence });
    } catch (error) {
      parts.logger.debug({ run, error: String(error) }, 'not noted yet that the parent knows');
    }
  }
}

/** Cancels what an ended run has left behind. True when nothing is owed any more. */
async function payChildren(
  parts: FamilyParts,
  parent: Pick<RunRecord, 'id' | 'fence'>,
  children: readonly Child[],
  { isLate }: { readonly isLate: boolean },
): Promise<boolean> {
  let isPaid = true;
  for (const child of children) {
    if (!(await cancelChild(parts, parent, child, isLate))) isPaid = false;
  }
  if (isPaid) await parts.store.childrenCancelled(parent.id, { fence: parent.fence });
  return isPaid;
}

/** Best effort, for a run that has just ended. */
export async function payChildrenOf(
  parts: FamilyParts,
  parent: Pick<RunRecord, 'id' | 'fence'>,
  children: readonly Child[],
): Promise<void> {
  try {
    await payChildren(parts, parent, children, { isLate: false });
  } catch (error) {
    parts.logger.warn({ run: parent.id, error: String(error) }, 'child runs not cancelled yet');
  }
}

/** Best effort, for a run that will end as failed or cancelled, and undoes its work before: its end does so again. */
export async function cancelChildrenOf(
  parts: FamilyParts,
  parent: Pick<RunRecord, 'id' | 'fence'>,
  children: readonly Child[],
): Promise<void> {
  try {
    for (const child of children) await cancelChild(parts, parent, child, false);
  } catch (error) {
    parts.logger.warn({ run: parent.id, error: String(error) }, 'child runs not cancelled yet');
  }
}

/** What the sweeper does about a due run that owes something, or waits for a child. */
export async function attendFamily(parts: FamilyParts, due: DueRun): Promise<void> {
  const record = await parts.store.record(due.run);
  if (record === undefined) return;
  if (due.notifyPending) await tellOfEnd(parts, record);
  if (due.cancelPending && isEnded(record.status)) {
    const children = await attachedTo(parts, due.run);
    const now = await parts.store.observation.now();
    await payChildren(parts, record, children, { isLate: now - record.changedAt > arrivalMs });
  }
  if (due.asleep) await compareWithChildren(parts, record);
}

/** True when the child is seen to be over, or gone. */
async function cancelChild(
  parts: FamilyParts,
  parent: Pick<RunRecord, 'id' | 'fence'>,
  { run, birth, seq }: Child,
  isLate: boolean,
): Promise<boolean> {
  const { store, wake } = parts;
  const record = await store.record(run);
  // Its creation may still be on its way.
  if (record === undefined) return seq > 0 || isLate;
  if (record.birth !== birth || isEnded(record.status)) return true;
  const reason = `run ${parent.id}, which started it, was cancelled or failed`;
  const outcome = await store.cancel({
    run,
    id: `parent ${parent.id} ${parent.fence}`,
    keepMs: defaults.keepMs,
    data: encodeRecord({ reason }),
    error: encodeError(new RunError('PAWL_RUN_CANCELLED', run, reason)),
  });
  if (outcome.outcome === 'asked') await wake(outcome.wakeUp);
  if (outcome.outcome === 'cancelled') await leaveLine(parts, outcome.keyed);
  return outcome.outcome !== 'asked';
}

/** A parked parent has not heard of a child for long: has it missed something? */
async function compareWithChildren(parts: FamilyParts, parent: RunRecord): Promise<void> {
  const ids = parent.waits.flatMap(({ kind, on }) => (kind === 'child' ? (on ?? []) : []));
  const from = ids.length <= childrenPerLook ? 0 : Math.floor(Math.random() * ids.length);
  const some = [...ids.slice(from), ...ids.slice(0, from)].slice(0, childrenPerLook);
  for (const run of some) {
    const child = await parts.store.record(run);
    const isThere = child !== undefined && child.parent === parent.id;
    const isTold = isThere && (await tellParent(parts, child)) && isEnded(child.status);
    if (!isThere) await askToLook(parts, parent, run, 'that is gone');
    // It was told before it had started the child, as a parent whose log has gone back may have been.
    if (!isTold) continue;
    await parts.store.parentNotified(run, { fence: child.fence });
    await askToLook(parts, parent, run, 'that has ended');
  }
}

/** The parent is woken, and looks for itself. */
async function askToLook(
  parts: FamilyParts,
  parent: RunRecord,
  run: string,
  why: string,
): Promise<void> {
  parts.logger.warn({ run: parent.id, child: run }, `a parked run waits for a child ${why}`);
  const id = `missing ${run} ${parent.fence}`;
  const posted = await parts.store.post({
    run: parent.id,
    id,
    kind: 'child',
    name: run,
    data: encodeRecord({ run, status: 'missing' }),
  });
  await wakeParent(parts, posted);
}

/** The children that end with a run. Of one whose data is damaged nobody knows them any more, and it must have an end. */
async function attachedTo(parts: FamilyParts, run: string): Promise<readonly Child[]> {
  try {
    return (await foldOf(parts, run))?.attached ?? [];
  } catch (error) {
    if (!PawlError.is(error) || error.code !== 'PAWL_CORRUPT') throw error;
    parts.logger.warn({ run, error: error.message }, 'the children of a damaged run are not known');
    return [];
  }
}

/** The bookkeeping of a run, folded without its workflow's reducers: enough to know its children. */
async function foldOf({ store }: FamilyParts, run: string): Promise<Fold | undefined> {
  const loaded = await store.load(run);
  if (loaded === undefined) return undefined;
  const key = `run ${run}`;
  const { snapshot, record } = loaded;
  const bookkeeping =
    snapshot === undefined ? new Map<string, unknown>() : restoreBookkeeping(snapshot, key);
  const start = { seq: snapshot?.seq ?? 0, state: {}, bookkeeping };
  const fold = new Fold(start, { reducers: {}, origin: key, guard: 'none' });
  let page = loaded.events;
  while (fold.seq < record.seq && page.length > 0) {
    for (const event of page) fold.replay(event.seq, decodeEvent(event, key));
    page = await store.events({ run, after: fold.seq, limit: 500 });
  }
  return fold;
}

async function post(
  parts: Pick<FamilyParts, 'store' | 'wake'>,
  parent: string,
  end: ChildEnd,
): Promise<PostOutcome> {
  const posted = await parts.store.post({
    run: parent,
    id: `child ${end.run} ${end.fence}`,
    kind: 'child',
    name: end.run,
    data: encodeRecord(end),
  });
  await wakeParent(parts, posted);
  return posted;
}

async function wakeParent({ wake }: Pick<FamilyParts, 'wake'>, posted: PostOutcome): Promise<void> {
  if ('woken' in posted && posted.woken) await wake(posted.wakeUp);
}

/** True when a child that is gone, or is another one, is to be looked for by its parent. */
export function isMissing(data: unknown): boolean {
  return (data as { status?: string }).status === 'missing';
}
