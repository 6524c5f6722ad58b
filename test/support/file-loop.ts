/**
 * A loop of one's own in a process that is going to be killed: counts up with a checkpointer in files, and says each save
 * that was acknowledged. Arguments: folder, run, `alone` (claims one time) or `rival` (claims again when it is shut out).
 */
import { FileCheckpointer } from '../../src/file/file-checkpointer.ts';
import { PawlError } from '../../src/core/errors.ts';

interface Counted {
  /** Events saved so far. */
  n: number;
}

const [folder = '', run = '', manner = 'alone'] = process.argv.slice(2);

/** Goes through the kernel before it returns, so that a kill cannot take it back. */
function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const checkpointer = await FileCheckpointer.open({ folder });

async function count(): Promise<void> {
  const claim = await checkpointer.claim<Counted>(run);
  const state: Counted = { n: (claim.state?.n ?? 0) + claim.events.length };
  say({ claimed: claim.fence, n: state.n });
  for (let round = 0; ; round++) {
    const size = 1 + (round % 4);
    const events = Array.from({ length: size }, (_, i) => ({
      type: 'count',
      data: { n: state.n + i, size, i, text: 'x'.repeat((round * 397) % 9000) },
    }));
    const seqs = await claim.saveEvents(events);
    say({ saved: seqs, n: state.n });
    state.n += size;
    if (round % 3 === 2) {
      const keep = round % 2 === 0 ? { checkpoint: { node: 'even', metadata: { round } } } : {};
      const { version, checkpoint } = await claim.saveSnapshot(state, keep);
      say({ version, n: state.n, ...(checkpoint === undefined ? {} : { checkpoint }) });
    }
  }
}

async function countAgain(): Promise<void> {
  try {
    await count();
  } catch (error) {
    if (!PawlError.is(error) || error.code !== 'PAWL_FENCED') throw error;
    say({ fenced: true });
  }
  if (manner === 'rival') await countAgain();
}

await countAgain();
