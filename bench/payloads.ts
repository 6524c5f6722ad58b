/** What is written: the same for every contender. */

/** The data of one event: about 200 bytes, as an agent or a step would leave them. */
export const eventData = {
  tool: 'search',
  query: 'resume after a crash',
  tokens: 1_482,
  text: 'A run survives the death of the process that executes it. '.repeat(2).slice(0, 110),
};
export const eventText = JSON.stringify(eventData);

export const stateKeys = 200;

/** A state of 200 keys that is about `bytes` as JSON; `turn` changes every value. */
export function makeState(bytes: number, turn = 0): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: stateKeys }, (_, key) => [stateKey(key), stateValue(bytes, turn)]),
  );
}

export function stateKey(key: number): string {
  return `k${key}`;
}

/** One value: a share of the whole, different in each turn, of the same length. */
export function stateValue(bytes: number, turn: number): string {
  const length = Math.max(1, Math.floor(bytes / stateKeys));
  return String(turn).padStart(length, 'abcdefghij').slice(-length);
}
