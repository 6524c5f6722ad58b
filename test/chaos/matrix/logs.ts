/** The logs of a history, with their payloads decoded. */
import type { RunEvent } from '../../../src/index.ts';
import { toRunEvent } from '../../../src/engine/payloads.ts';
import { digestOf, type History } from '../../support/history/history.ts';

export interface LoggedEvent extends Pick<RunEvent, 'seq' | 'fence' | 'type' | 'data'> {
  /** Milliseconds since 1970 on Redis' clock. */
  readonly at: number;
  readonly digest: string;
}

export interface Log {
  readonly run: string;
  readonly events: readonly LoggedEvent[];
}

export function logsOf({ runs }: History): Log[] {
  return runs.map(({ id, events }) => ({
    run: id,
    events: events.map((event) => {
      const { seq, fence, type, at, data } = toRunEvent(event, `run ${id}`);
      return { seq, fence, type, data, at: at.getTime(), digest: digestOf(event.data) };
    }),
  }));
}
