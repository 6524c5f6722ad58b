/**
 * The state of a thread of LangGraph: the values of its channels at a checkpoint, as data. No code is needed to read it, and
 * none is called: what LangGraph would make objects of is shown as it stands in the store.
 */
import { decode } from '../../core/codec.ts';
import { ForgottenError, InvalidError } from '../../core/errors.ts';
import { threadWorkflow } from '../../core/langgraph.ts';
import type { RunRecord } from '../../core/run.ts';
import type { RunStore } from '../../core/store.ts';
import { decodeEvent } from '../replay.ts';

interface At {
  readonly namespace: string;
  readonly checkpoint: string | undefined;
}

export function isThread({ workflow }: Pick<RunRecord, 'workflow'>): boolean {
  return workflow === threadWorkflow;
}

/**
 * Without `seq`, that of the newest checkpoint of the graph itself; else that of the checkpoint of which the event tells.
 * @throws InvalidError when there is no such event; ForgottenError when the checkpoint was pruned.
 */
export async function threadState(
  store: RunStore,
  { id, seq: end }: RunRecord,
  seq: number | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const at =
    seq === undefined ? { namespace: '', checkpoint: undefined } : await atSeq(store, id, seq);
  if (at === undefined) return {};
  const values = await store.channels(id, at);
  if (values === undefined) {
    if (seq === undefined) return {};
    throw new ForgottenError(
      id,
      `The checkpoint of event ${seq} of run ${id} was pruned. Ask for a later one, up to ${end}`,
      end,
    );
  }
  const shown = [...values].map(([channel, { bytes }]) => {
    return [channel, plain(decode(bytes, { key: `run ${id}, channel ${channel}` }))] as const;
  });
  return Object.fromEntries(shown);
}

async function atSeq(store: RunStore, run: string, seq: number): Promise<At | undefined> {
  const [event] = await store.events({ run, after: seq - 1, limit: 1 });
  if (event?.seq !== seq) {
    throw new InvalidError('seq', `${seq} is not in the log of run ${run}.`);
  }
  return event.type === 'checkpoint.put'
    ? (decodeEvent(event, `run ${run}`).data as At)
    : undefined;
}

/** A value as the serializer of LangGraph made it. */
function plain(value: unknown): unknown {
  const [type, bytes] = value as readonly [string, Uint8Array];
  return type === 'json' ? (JSON.parse(Buffer.from(bytes).toString()) as unknown) : bytes;
}
