/**
 * How long something takes, without the moments in which this process could not run. On a busy machine a test must not judge
 * those: they say nothing about pawl.
 */
const tickMs = 10;
/** A tick that comes later than this was kept from running. */
const lateMs = 40;

export async function calmTimeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let lastTick = began;
  let stalledMs = 0;
  const note = (): void => {
    const now = performance.now();
    if (now - lastTick > lateMs) stalledMs += now - lastTick - tickMs;
    lastTick = now;
  };
  const ticks = setInterval(note, tickMs);
  try {
    await work();
  } finally {
    clearInterval(ticks);
  }
  note();
  return performance.now() - began - stalledMs;
}
