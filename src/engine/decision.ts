/** What a person decides about an effect in doubt. */
export type Decision =
  | { readonly decide: 'retry' }
  | { readonly decide: 'done'; readonly result: unknown };

/** Signal by which a decision about an effect arrives. */
export function decisionSignal(effect: string): string {
  return `effect ${effect}`;
}
