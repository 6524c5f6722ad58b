/** What an owner does when Redis has lost chunks of the output that its run has given out. */
import type { RewoundData } from '../../core/event.ts';
import type { LogWriter } from './log-writer.ts';
import type { ExecutionServices } from './services.ts';
import { recordWrite } from './writes.ts';

/**
 * Redis has fewer chunks of the run's output than it had acknowledged. What the steps at work gave out before is gone, so
 * the run is handed back, and they run again; what finished steps gave out cannot be had again.
 */
export async function handBackRewound(
  { worker, logger }: Pick<ExecutionServices, 'worker' | 'logger'>,
  writer: Pick<LogWriter, 'ownership' | 'piggyback' | 'handBack'>,
  { seq, chunks }: { readonly seq: number } & Required<Pick<RewoundData, 'chunks'>>,
): Promise<void> {
  const rewound: RewoundData = { worker, acknowledgedSeq: seq, foundSeq: seq, chunks };
  logger.error({ run: writer.ownership.run, ...rewound }, 'redis lost acknowledged output');
  writer.piggyback(recordWrite('run.rewound', rewound));
  await writer.handBack();
}
