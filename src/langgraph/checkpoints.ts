/** Checkpoints, as they are stored and as LangGraph wants them back. */
import type {
  ChannelVersions,
  Checkpoint,
  CheckpointMetadata,
} from '@langchain/langgraph-checkpoint';
import type { Channels, LoadedCheckpoint, StoredCheckpoint } from '../core/langgraph.ts';
import { bodyPlace, type Packed, type Payloads } from './payloads.ts';
import { checkChannel } from './thread-ids.ts';

export interface PackedCheckpoint {
  readonly fresh: Channels;
  readonly carried: Channels;
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly body: Uint8Array;
  readonly event: string;
}

export interface Place {
  readonly run: string;
  readonly namespace: string;
}

/**
 * What of a checkpoint is stored where. Channels with a version have their values among those of the thread: those that
 * `newVersions` names are new, all others are as they were. Values of channels without a version stay with the checkpoint.
 * @throws InvalidError, LimitError, or what the serializer throws; nothing was written.
 */
export async function packCheckpoint(
  payloads: Payloads,
  { run, namespace }: Place,
  {
    checkpoint,
    metadata,
    newVersions,
    parent,
  }: {
    readonly checkpoint: Checkpoint;
    readonly metadata: CheckpointMetadata;
    readonly newVersions: ChannelVersions;
    readonly parent: string | undefined;
  },
): Promise<PackedCheckpoint> {
  const { channel_values: held, ...rest } = checkpoint;
  const versions = checkpoint.channel_versions;
  const fresh: [string, readonly [string, string]][] = [];
  const carried: [string, readonly [string, string]][] = [];
  const values = new Map<string, Uint8Array>();
  for (const [channel, version] of Object.entries(versions)) {
    const known = JSON.stringify(version);
    checkChannel(channel);
    if (!Object.hasOwn(newVersions, channel)) {
      carried.push([channel, [known, '?']]);
    } else if (Object.hasOwn(held, channel)) {
      const { key, bytes } = await payloads.value(run, held[channel], `channel ${channel}`);
      values.set(key, bytes);
      fresh.push([channel, [known, key]]);
    }
  }
  const own = Object.entries(held).filter(([channel]) => !Object.hasOwn(versions, channel));
  const kept = { ...rest, channel_values: Object.fromEntries(own) };
  const at = bodyPlace(run, namespace, checkpoint.id);
  const bundled = { plain: '', values: [kept, metadata], what: 'checkpoint' };
  return {
    fresh: Object.fromEntries(fresh),
    carried: Object.fromEntries(carried),
    values,
    body: await payloads.bundle(at, bundled),
    event: eventOf({ namespace, checkpoint: checkpoint.id, parent }, metadata),
  };
}

/** What the log of the thread's run says of a checkpoint. */
export function eventOf(
  at: {
    readonly namespace: string;
    readonly checkpoint: string;
    readonly parent: string | undefined;
  },
  { source, step }: CheckpointMetadata,
): string {
  return JSON.stringify({ ...at, source, step });
}

/** The keys that carried values would have, for those channels of which the parent says nothing. */
export async function keysOf(
  payloads: Payloads,
  run: string,
  { carried, checkpoint }: { readonly carried: Channels; readonly checkpoint: Checkpoint },
  wanted: readonly string[],
): Promise<Channels> {
  const found = await Promise.all(
    wanted.map(async (channel): Promise<readonly [string, Packed | undefined]> => {
      const { channel_values: held } = checkpoint;
      if (!Object.hasOwn(held, channel)) return [channel, undefined];
      return [channel, await payloads.value(run, held[channel], `channel ${channel}`)];
    }),
  );
  const keys = new Map(found);
  const entries = Object.entries(carried).flatMap(
    ([channel, [version, key]]): [string, readonly [string, string]][] => {
      if (!keys.has(channel)) return [[channel, [version, key]]];
      const made = keys.get(channel)?.key;
      return made === undefined ? [] : [[channel, [version, made]]];
    },
  );
  return Object.fromEntries(entries);
}

/** What a checkpoint says of itself, without the values of its channels. */
export async function unpackBody(
  payloads: Payloads,
  run: string,
  { namespace, checkpoint, body }: StoredCheckpoint,
): Promise<{ readonly checkpoint: Checkpoint; readonly metadata: CheckpointMetadata }> {
  const { values } = await payloads.openBundle(bodyPlace(run, namespace, checkpoint), body);
  const [kept, metadata] = values as [Checkpoint, CheckpointMetadata];
  return { checkpoint: kept, metadata };
}

export async function unpackCheckpoint(
  payloads: Payloads,
  run: string,
  loaded: LoadedCheckpoint,
): Promise<{ readonly checkpoint: Checkpoint; readonly metadata: CheckpointMetadata }> {
  const { checkpoint, metadata } = await unpackBody(payloads, run, loaded);
  const values = await Promise.all(
    Object.entries(loaded.channels).map(async ([channel, [, key]]) => {
      return [channel, await payloads.openValue(run, key, loaded.values.get(key))] as const;
    }),
  );
  const own = Object.entries(checkpoint.channel_values);
  return {
    metadata,
    checkpoint: { ...checkpoint, channel_values: Object.fromEntries([...own, ...values]) },
  };
}
