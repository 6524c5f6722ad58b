/** A schedule stands elsewhere, if nobody has changed it. */
import type { AdvanceOutcome, Standing } from '../../core/schedules.ts';
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Advanced {
  readonly id: string;
  readonly version: number;
  readonly standing: Standing;
  readonly pollMs: number | undefined;
}

export const schedulesAdvance: StoreScript<Keys, Advanced, AdvanceOutcome> = {
  script: toScript('schedulesAdvance', lua.schedulesAdvance),
  keys: (keys, { id }) => [keys.schedule(id), keys.schedules],
  args: (_, { id, version, standing, pollMs }) => {
    const { nextAt, waiting, lastRun = '', timesMissed, timesSkipped } = standing;
    return [
      id,
      version,
      nextAt,
      pollMs ?? '',
      'waiting',
      waiting.join(' '),
      'lastRun',
      lastRun,
      'timesMissed',
      timesMissed,
      'timesSkipped',
      timesSkipped,
    ];
  },
  decode: (_, [outcome, raised]) =>
    String(outcome) === 'changed'
      ? { outcome: 'changed' }
      : { outcome: 'advanced', version: Number(raised) },
};
