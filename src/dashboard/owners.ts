/** Who held a run when each of its events was written: the colour beside the log, where take-overs are seen. */
import type { ClaimedData, RunEvent } from '../core/event.ts';

export interface OwnedEvent {
  readonly event: RunEvent;
  /** Undefined while nobody holds the run, or when the claim is on an earlier page. */
  readonly owner: string | undefined;
  /** From one colour to the next at each change of the owner; undefined while nobody holds the run. */
  readonly colour: number | undefined;
  /** The owner has changed with this event. */
  readonly turn: boolean;
}

export const colourCount = 4;

export function withOwners(events: readonly RunEvent[]): readonly OwnedEvent[] {
  let owner: string | undefined;
  let colour = 0;
  let isHeld = events[0]?.seq !== 1;
  return events.map((event) => {
    const turn = event.type === 'run.claimed' || event.type === 'run.interrupted';
    if (event.type === 'run.claimed') {
      const { worker } = event.data as ClaimedData;
      if (owner !== undefined && owner !== worker) colour = (colour + 1) % colourCount;
      owner = worker;
      isHeld = true;
    } else if (event.type === 'run.interrupted') {
      isHeld = false;
    }
    return { event, owner: isHeld ? owner : undefined, colour: isHeld ? colour : undefined, turn };
  });
}
