/** What a person says of an effect in doubt, and how it is told. */

/** Signal by which a decision about an effect arrives. */
export function decisionSignal(effect: string): string {
  return `effect ${effect}`;
}

export type Decision =
  | { readonly decide: 'retry' }
  | { readonly decide: 'done'; readonly result: unknown };
