/** Checkpoints of one thread or of all, newest first, read a page at a time. */
import { isDeepStrictEqual } from 'node:util';
import type { CheckpointListOptions } from '@langchain/langgraph-checkpoint';
import type { Cipher } from '../core/cipher.ts';
import type {
  LoadedCheckpoint,
  PageStart,
  StoredCheckpoint,
  ThreadStore,
} from '../core/langgraph.ts';
import { unpackBody } from './checkpoints.ts';
import type { Config } from './contract.ts';
import type { Payloads } from './payloads.ts';
import { checkId, checkNamespace, runOf } from './thread-ids.ts';
import { openThreadName } from './thread-record.ts';

const pageMax = 32;

interface Query {
  readonly config: Config;
  readonly options: CheckpointListOptions;
  readonly store: ThreadStore;
  readonly payloads: Payloads;
  readonly cipher: Cipher | undefined;
}

interface Listed {
  readonly run: string;
  readonly thread: string;
  readonly loaded: LoadedCheckpoint;
}

export async function* listed(query: Query): AsyncGenerator<Listed, void, undefined> {
  const { limit = Infinity } = query.options;
  if (limit <= 0) return;
  let left = limit;
  for await (const run of runsOf(query)) {
    for await (const found of ofThread(query, run, left)) {
      yield found;
      left -= 1;
      if (left <= 0) return;
    }
  }
}

async function* runsOf({ config, store }: Query): AsyncGenerator<string, void, undefined> {
  const { thread_id: thread } = config.configurable ?? {};
  if (thread !== undefined) {
    yield runOf(checkId(thread, 'thread_id'));
    return;
  }
  for await (const page of store.threads()) yield* page;
}

async function* ofThread(
  { config, options, store, payloads, cipher }: Query,
  run: string,
  left: number,
): AsyncGenerator<Listed, void, undefined> {
  const asked = config.configurable?.['checkpoint_ns'];
  const namespace = asked === undefined ? undefined : checkNamespace(asked);
  const only = config.configurable?.['checkpoint_id'] as string | undefined;
  const before = options.before?.configurable?.['checkpoint_id'] as string | undefined;
  const filter = Object.entries(options.filter ?? {}).filter(([, value]) => value !== undefined);
  const isAsked = ({ checkpoint }: StoredCheckpoint): boolean =>
    (only === undefined || checkpoint === only) && (before === undefined || checkpoint < before);
  // In one namespace, the order begins where it is asked to.
  const isOne = namespace !== undefined && before !== undefined;
  let from: PageStart | undefined = isOne ? { namespace, checkpoint: before } : undefined;
  do {
    const limit = Math.min(left, pageMax);
    const page = await store.page({ run, namespace, from, limit });
    if (page.birth === undefined) return;
    const thread = openThreadName(page.input, run, cipher);
    const fitting = await Promise.all(
      page.checkpoints.filter(isAsked).map(async (stored) => {
        if (filter.length === 0) return stored;
        const { metadata } = await unpackBody(payloads, run, stored);
        const has = metadata as Record<string, unknown>;
        return filter.every(([key, value]) => isDeepStrictEqual(has[key], value))
          ? stored
          : undefined;
      }),
    );
    const wanted = fitting.filter((stored) => stored !== undefined).slice(0, left);
    const loaded = await Promise.all(
      wanted.map((stored) =>
        store.load({ run, namespace: stored.namespace, checkpoint: stored.checkpoint }),
      ),
    );
    for (const one of loaded) if ('body' in one) yield { run, thread, loaded: one };
    from = page.next;
  } while (from !== undefined);
}
