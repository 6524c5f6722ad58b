/** A pawl without Redis, for the tests of those who use it. */
import type { Limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { anything, having, optionsOf } from '../core/option-rules.ts';
import type { BlobOptions } from '../blobs/options.ts';
import type { EncryptionOptions } from '../encryption/keyring.ts';
import { MemoryResumeQueue } from '../memory/resume-queue.ts';
import { MemoryRunStore } from '../memory/run-store.ts';
import { Pawl } from '../pawl.ts';
import type { ManualClock } from './manual-clock.ts';

/** What a pawl without Redis may be given. */
export interface OpenInMemoryOptions {
  /** Owns the time of the store and of the workers. Default: the real time. */
  readonly clock?: ManualClock;
  /** As in `Pawl.open`: warnings and errors are shown, unless it is `false`. */
  readonly logger?: Logger | false;
  /** Other limits than the usual ones, in bytes: see `Limits`. */
  readonly limits?: Partial<Limits>;
  /** As in `Pawl.open`. */
  readonly encryption?: EncryptionOptions;
  /** Keeps large values elsewhere, as `Pawl.open({ blobs })` does: see `MemoryBlobStore`. */
  readonly blobs?: BlobOptions;
}

const checkOptions = optionsOf<OpenInMemoryOptions>({
  clock: having('a ManualClock', 'advance'),
  logger: anything,
  limits: anything,
  encryption: anything,
  blobs: anything,
});

/**
 * A pawl whose runs are in the memory of this process and end with it; everything else is as it is with Redis.
 *
 *     const clock = new ManualClock();
 *     await using pawl = openInMemory({ clock });
 *     pawl.worker({ workflows: [invoice] });
 *     const run = await pawl.start(invoice, input);
 *     await clock.advance('3d');
 *     expect(await run.result()).toEqual(…);
 *
 * With a clock of your own, close it when its runs have ended. A step that is at work then has a grace of ten seconds,
 * and these pass only when the test lets them.
 *
 * @throws InvalidError for a bad limit or key.
 */
export function openInMemory(options: OpenInMemoryOptions = {}): Pawl {
  checkOptions(options, 'openInMemory options');
  const { clock } = options;
  const store = new MemoryRunStore(clock === undefined ? {} : { clock });
  clock?.follow(() => store.nextDueAt(clock.now()));
  return Pawl.assemble({ ...options, store, queue: new MemoryResumeQueue(options) });
}
