import { setImmediate as turn } from 'node:timers/promises';

/** Lets time pass in small steps until `holds` returns something; throws after `msMax`. */
export async function eventually<T>(
  { advance }: { readonly advance: (ms: number) => Promise<void> },
  what: string,
  holds: () => T | undefined | Promise<T | undefined>,
  msMax = 5000,
): Promise<T> {
  const stepMs = 5;
  for (let ms = 0; ; ms += stepMs) {
    const value = await holds();
    if (value !== undefined) return value;
    if (ms > msMax) throw new Error(`after ${msMax} ms still not: ${what}`);
    await advance(stepMs);
    // The store's clock may not be the real one, and an announcement needs a turn of that.
    await turn();
  }
}

/** Counts up for a loop that must end by itself: a store that never lets it end fails the test instead of hanging it. */
export function* rounds(what: string, max = 1000): Generator<number> {
  for (let round = 0; round < max; round++) yield round;
  throw new Error(`${what}: there is no end after ${max} rounds`);
}
