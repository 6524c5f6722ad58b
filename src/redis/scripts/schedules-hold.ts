/** Holds a schedule back, or lets it go on; false when the workflow has none with this id. A repetition changes nothing. */
import type { Keys } from '../keys.ts';
import { lua } from '../lua.gen.ts';
import { toScript } from '../script-command.ts';
import type { StoreScript } from '../store-script.ts';

interface Held {
  readonly workflow: string;
  readonly id: string;
  readonly nextAt: number | undefined;
}

export const schedulesHold: StoreScript<Keys, Held, boolean> = {
  script: toScript('schedulesHold', lua.schedulesHold),
  acknowledged: 'repeatable',
  keys: (keys, { id }) => [keys.schedule(id), keys.schedules],
  args: (_, { id, workflow, nextAt }) => [id, workflow, nextAt ?? ''],
  decode: (_, [outcome]) => String(outcome) !== 'missing',
};
