/** A loop that needs no workflow: it reads pages, saves what it has read, and goes on wherever the last one stopped. */
import type { Checkpointer, RunEvent } from 'pawl';
import { pretend } from '../support/pretend.ts';

interface Crawl {
  readonly todo: readonly string[];
  readonly words: number;
}

const start: Crawl = { todo: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `page-${i}`), words: 0 };
const pagesPerSnapshot = 3;

/** What an event makes of the state: the same when it happens and when it is read again after a crash. */
function fold(state: Crawl, { data }: Pick<RunEvent, 'data'>): Crawl {
  const { page, words } = data as { page: string; words: number };
  return { todo: state.todo.filter((one) => one !== page), words: state.words + words };
}

export async function crawl(checkpointer: Checkpointer, run: string): Promise<void> {
  // From here on nobody else can write to this run, whatever they believe; a later claim would shut us out in turn.
  const claim = await checkpointer.claim<Crawl>(run, { workflow: 'crawl' });
  let state = claim.events.reduce(fold, claim.state ?? start);
  console.log(
    claim.version === 0 ? 'begins' : `goes on at ${state.todo[0]} from snapshot ${claim.version}`,
  );

  let unsaved = claim.events.length;
  while (state.todo.length > 0) {
    const [page = ''] = state.todo;
    await pretend(`read ${page}`);
    const data = { page, words: 100 };
    // When this resolves, the page is read for good.
    await claim.saveEvent({ type: 'page.read', data });
    state = fold(state, { data });
    unsaved += 1;
    if (unsaved < pagesPerSnapshot) continue;
    const left = state.todo.length;
    await claim.saveSnapshot(state, { checkpoint: { node: 'crawl', label: `${left} left` } });
    unsaved = 0;
  }
  await claim.finish({ words: state.words });
}
