/** All of a thread, read a page at a time; what is done with it afterwards is refused when the thread has changed. */
import type {
  LoadedCheckpoint,
  StoredCheckpoint,
  ThreadPage,
  ThreadStore,
} from '../core/langgraph.ts';

const pageMax = 200;
const loadsAtOnce = 32;

export interface WholeThread {
  readonly birth: string;
  readonly seq: number;
  /** The newest of each namespace first. */
  readonly checkpoints: readonly LoadedCheckpoint[];
}

/** Undefined when there is no such thread. */
export async function wholeThread(
  store: ThreadStore,
  run: string,
): Promise<WholeThread | undefined> {
  const checkpoints: LoadedCheckpoint[] = [];
  let first: ThreadPage | undefined;
  let from: ThreadPage['next'];
  do {
    const page: ThreadPage = await store.page({ run, namespace: undefined, from, limit: pageMax });
    first ??= page;
    for (let i = 0; i < page.checkpoints.length; i += loadsAtOnce) {
      const some = page.checkpoints.slice(i, i + loadsAtOnce);
      checkpoints.push(...(await load(store, run, some)));
    }
    from = page.next;
  } while (from !== undefined);
  const { birth, seq } = first;
  return birth === undefined ? undefined : { birth, seq, checkpoints };
}

/**
 * As it was when a checkpoint of the graph itself had just been put: that one and those before it, and inside of nodes
 * what is not newer. The writes to it are not there, since the nodes after it run again. Undefined when there is no such
 * checkpoint.
 */
export function threadAt(whole: WholeThread, checkpoint: string): WholeThread | undefined {
  const own = new Map(whole.checkpoints.filter(isOwn).map((one) => [one.checkpoint, one] as const));
  const newest = own.get(checkpoint);
  if (newest === undefined) return undefined;
  const line = new Set<string>();
  for (let one: LoadedCheckpoint | undefined = newest; one !== undefined;) {
    line.add(one.checkpoint);
    one = one.parent === undefined ? undefined : own.get(one.parent);
  }
  const kept = whole.checkpoints.filter((one) =>
    isOwn(one) ? line.has(one.checkpoint) : one.checkpoint <= checkpoint,
  );
  return {
    ...whole,
    checkpoints: kept.map((one) => (one === newest ? { ...one, writes: [] } : one)),
  };
}

/** Of the graph itself, and not of one inside of a node. */
function isOwn({ namespace }: LoadedCheckpoint): boolean {
  return namespace === '';
}

async function load(
  store: ThreadStore,
  run: string,
  places: readonly StoredCheckpoint[],
): Promise<readonly LoadedCheckpoint[]> {
  const found = await Promise.all(
    places.map(({ namespace, checkpoint }) => store.load({ run, namespace, checkpoint })),
  );
  return found.filter((one) => 'body' in one);
}
