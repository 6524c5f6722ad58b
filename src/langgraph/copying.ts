/** A thread under another id, with all that it has: sealed for its new place, and written in one step. */
import type { ThreadCopy } from '../core/langgraph.ts';
import { optionsOf, text as anyText } from '../core/option-rules.ts';
import { eventOf, unpackBody } from './checkpoints.ts';
import { interruptChannel } from './contract.ts';
import { bodyPlace, type Payloads, writePlace } from './payloads.ts';
import type { WholeThread } from './whole-thread.ts';

/** How much of a thread is copied. */
export interface CopyOptions {
  /** Id of the newest checkpoint of the copy, one of the graph itself. Default: all of the thread. */
  readonly checkpoint?: string;
}

export const checkCopy = optionsOf<CopyOptions>({ checkpoint: anyText });

export interface CopyParams {
  readonly fromId: string;
  readonly toId: string;
  readonly checkpoint: string | undefined;
  /** Who holds the copy from its beginning. */
  readonly holder: string | undefined;
}

type Copied = Pick<ThreadCopy, 'checkpoints' | 'values' | 'writes' | 'interrupted'>;

export async function copyOf(
  payloads: Payloads,
  { checkpoints }: WholeThread,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<Copied> {
  const values = new Map<string, Uint8Array>();
  const writes: ThreadCopy['writes'][number][] = [];
  const interrupted: ThreadCopy['interrupted'][number][] = [];
  const followed = new Set(
    checkpoints.map(({ namespace, parent }) => JSON.stringify([namespace, parent])),
  );
  for (const one of checkpoints) {
    const { namespace, checkpoint } = one;
    for (const [key, bytes] of one.values) {
      if (!values.has(key)) values.set(key, payloads.movedValue(bytes, key, [from, to]));
    }
    for (const [field, text] of one.writes) {
      const at = { namespace, checkpoint, field };
      const places = [writePlace(from, at), writePlace(to, at)] as const;
      writes.push({ at, field, text: { ...text, bytes: payloads.moved(text.bytes, ...places) } });
    }
    const isFollowed = followed.has(JSON.stringify([namespace, checkpoint]));
    if (!isFollowed && (await asks(payloads, from, one))) interrupted.push(one);
  }
  // The log of the copy tells of the oldest one first.
  const copied = await Promise.all(
    checkpoints.toReversed().map(async (one) => {
      const { namespace, checkpoint, parent, channels } = one;
      const { metadata } = await unpackBody(payloads, from, one);
      const places = [from, to].map((run) => bodyPlace(run, namespace, checkpoint));
      const body = payloads.moved(one.body, ...(places as [never, never]));
      return { namespace, checkpoint, parent, channels, body, event: eventOf(one, metadata) };
    }),
  );
  return { checkpoints: copied, values, writes, interrupted };
}

/** Whether a question is among the writes to a checkpoint. */
export async function asks(
  payloads: Payloads,
  run: string,
  { namespace, checkpoint, writes }: WholeThread['checkpoints'][number],
): Promise<boolean> {
  const channels = await Promise.all(
    writes.map(async ([field, { bytes }]) => {
      const { plain } = await payloads.openBundle(
        writePlace(run, { namespace, checkpoint, field }),
        bytes,
      );
      return (plain as readonly [string])[0];
    }),
  );
  return channels.includes(interruptChannel);
}
