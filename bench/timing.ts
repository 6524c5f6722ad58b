/** Loops that find out how often something can be done. */

/** The part of a slot that is not counted. */
const warmUp = 0.25;

/**
 * Does `operation` in `loops` loops at once, each awaiting its own, for a quarter of the slot uncounted and then for the
 * slot. Returns how many were done per second.
 */
export async function measureRate(
  slotMs: number,
  loops: number,
  operation: (loop: number, turn: number) => Promise<unknown>,
): Promise<number> {
  const countFrom = performance.now() + slotMs * warmUp;
  const end = countFrom + slotMs;
  let done = 0;
  let last = countFrom;
  const loop = async (place: number): Promise<void> => {
    for (let turn = 0; ; turn++) {
      await operation(place, turn);
      const now = performance.now();
      if (now >= countFrom) {
        done += 1;
        last = now;
      }
      if (now >= end) return;
    }
  };
  await Promise.all(Array.from({ length: loops }, (_, place) => loop(place)));
  return (done * 1000) / (last - countFrom);
}

/** A moment that processes of one machine agree on, in milliseconds; nobody sets this clock. */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Does `operation` again and again for a slot, alone, and returns how long each took, in milliseconds. */
export async function measureEach(
  slotMs: number,
  operation: (turn: number) => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  const countFrom = performance.now() + slotMs * warmUp;
  for (let turn = 0; ; turn++) {
    const before = performance.now();
    await operation(turn);
    const now = performance.now();
    if (before >= countFrom || times.length > 0) times.push(now - before);
    if (now >= countFrom + slotMs && times.length > 0) return times;
  }
}
