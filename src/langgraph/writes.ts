/** Writes of tasks, as they are stored and as LangGraph wants them back. */
import type { CheckpointPendingWrite, PendingWrite } from '@langchain/langgraph-checkpoint';
import type { LoadedCheckpoint, ThreadPlace, ThreadWrite } from '../core/langgraph.ts';
import {
  compareWrites,
  errorChannel,
  errorNodeChannel,
  indexes,
  interruptChannel,
  type SortKey,
} from './contract.ts';
import { type Payloads, writePlace } from './payloads.ts';
import { checkChannel } from './thread-ids.ts';

const between = '\0';
/** A value of more bytes lies among those of the thread, where the checkpoint that it leads to finds it. */
const sharedOverBytes = 64;

export interface TaskWrites {
  readonly task: string;
  readonly path: string;
  readonly writes: readonly PendingWrite[];
}

/** @throws InvalidError, LimitError, or what the serializer throws; nothing was written. */
export async function packWrites(
  payloads: Payloads,
  place: ThreadPlace,
  { task, path, writes }: TaskWrites,
): Promise<readonly ThreadWrite[]> {
  return Promise.all(
    writes.map(async ([channel, value], position) => {
      const index = Object.hasOwn(indexes, channel) ? (indexes[channel] ?? position) : position;
      const field = `${task}${between}${index}`;
      const what = `write to ${checkChannel(channel)}`;
      const { key, bytes } = await payloads.value(place.run, value, what);
      const isShared = bytes.length > sharedOverBytes;
      const at = writePlace(place.run, { ...place, field });
      const plain = [channel, path];
      const values = isShared ? [] : [value];
      return {
        field,
        firstWins: index >= 0,
        text: await payloads.bundle(at, { plain, values, what }),
        shared: isShared ? ([key, bytes] as const) : undefined,
      };
    }),
  );
}

/**
 * Without the outputs of a task that has failed. LangGraph stores all that a task has written so far beside its error, and
 * takes a task with any output for done. So a node that was cut short, because another one failed, would lose the rest.
 */
export function withoutHalves(writes: readonly PendingWrite[]): readonly PendingWrite[] {
  if (!writes.some(([channel]) => channel === errorChannel)) return writes;
  return writes.filter(
    ([channel]) => Object.hasOwn(indexes, channel) || channel === errorNodeChannel,
  );
}

/** Whether a question is among them. */
export function interrupts(writes: readonly PendingWrite[]): boolean {
  return writes.some(([channel]) => channel === interruptChannel);
}

/** In the order in which LangGraph applies them. */
export async function unpackWrites(
  payloads: Payloads,
  run: string,
  { namespace, checkpoint, writes, values }: LoadedCheckpoint,
): Promise<CheckpointPendingWrite[]> {
  const unpacked = await Promise.all(
    writes.map(async ([field, { bytes, key }]) => {
      const at = writePlace(run, { namespace, checkpoint, field });
      const { plain, values: own } = await payloads.openBundle(at, bytes);
      const [channel, path] = plain as [string, string];
      const cut = field.lastIndexOf(between);
      const task = field.slice(0, cut);
      const value =
        key === undefined ? own[0] : await payloads.openValue(run, key, values.get(key));
      const sortKey: SortKey = [path, task, Number(field.slice(cut + 1))];
      return { sortKey, write: [task, channel, value] as CheckpointPendingWrite };
    }),
  );
  return unpacked.sort((a, b) => compareWrites(a.sortKey, b.sortKey)).map(({ write }) => write);
}
