/**
 * The only file that spells the places values are sealed for.
 *
 * - An event is bound to seq and fence, because both are certain when its commit is encoded: the store refuses a commit
 *   whose expected seq is not the log's, and a commit that is sent again (no answer) carries the same ones.
 * - What an operator asks for (cancel, pause, resume, delete) becomes an entry or a message inside of Redis, at a place
 *   nobody knows before. It is bound to the run and to what was asked for.
 * - A snapshot field is bound to run and name only: a save leaves the fields that have not changed as they are, so a field
 *   may be older than the snapshot's version. An older value of the same field, put back, is not noticed.
 */
import type { CheckpointMark } from '../core/checkpoint.ts';
import type { Place } from '../core/cipher.ts';
import type { NewEvent } from '../core/event.ts';
import type { NewChunk } from '../core/outputs.ts';
import type { Message, Wait } from '../core/store.ts';

export type Asked = 'cancel' | 'pause' | 'resume' | 'delete';

/** The events that scripts write when an operator asks for something. */
const askedByType: Readonly<Record<string, Asked>> = {
  'run.cancelled': 'cancel',
  'operator.paused': 'pause',
  'operator.resumed': 'resume',
  'operator.retried': 'resume',
};

/**
 * The events that scripts write by themselves, as JSON: which worker, when, why; of a thread of LangGraph, which checkpoint.
 * Nothing of the workflow's.
 */
const writtenByScripts = new Set([
  'run.created',
  'run.claimed',
  'run.interrupted',
  'run.quarantined',
  'checkpoint.put',
]);

export function isScripts(type: string): boolean {
  return writtenByScripts.has(type);
}

export const eventPlace = (
  run: string,
  at: { readonly seq: number; readonly fence: number },
  { type, branch = '' }: NewEvent,
): Place => ({ run, path: ['event', at.seq, at.fence, type, branch] });

export const askedPlace = (run: string, asked: Asked): Place => ({ run, path: ['asked', asked] });

/** Where an event may have been sealed for that an operator may have asked for. */
export function askedPlaces(run: string, type: string): Place[] {
  const asked = Object.hasOwn(askedByType, type) ? askedByType[type] : undefined;
  return asked === undefined ? [] : [askedPlace(run, asked)];
}

export const fieldPlace = (run: string, field: string): Place => ({
  run,
  path: ['snapshot', field],
});

/** What is said of a checkpoint; which version of the snapshot it will be is not known when it is asked for. */
export const checkpointPlace = (
  run: string,
  { node = '' }: CheckpointMark,
  part: 'label' | 'metadata',
): Place => ({ run, path: ['checkpoint', part, node] });

export const payloadPlace = (run: string, field: 'input' | 'output' | 'error'): Place => ({
  run,
  path: [field],
});

export const progressPlace = (run: string): Place => ({ run, path: ['progress'] });

export const messagePlace = (
  run: string,
  { kind, id, name }: Pick<Message, 'kind' | 'id' | 'name'>,
): Place => ({ run, path: ['message', kind, id, name] });

/** Number and fence are certain when a write is encoded, as those of an event are. */
export const chunkPlace = (
  run: string,
  at: { readonly number: number; readonly fence: number },
  { output, step, epoch }: NewChunk,
): Place => ({ run, path: ['chunk', at.number, at.fence, output, step, epoch] });

/** What a run is asked. */
export const questionPlace = (
  run: string,
  { id, name }: { readonly id: string; readonly name: string },
): Place => ({ run, path: ['question', id, name] });

export const replyPlace = (run: string, id: string): Place => ({ run, path: ['reply', id] });

/** Who has sent a message. */
export const actorPlace = (
  run: string,
  { kind, id, name }: Pick<Message, 'kind' | 'id' | 'name'>,
): Place => ({ run, path: ['message', kind, id, name, 'actor'] });

/** What people are told of a wait. */
export const waitPlace = (
  run: string,
  { kind, name }: Pick<Wait, 'kind' | 'name'>,
  part: 'label' | 'form',
): Place => ({ run, path: ['wait', kind, name, part] });

export const schedulePlace = (workflow: string, schedule: string): Place => ({
  run: '(schedule)',
  path: [workflow, schedule],
});
