/** How something that has work in hand is closed. */
import { millisecondsOrNone, optionsOf, type Rule } from './option-rules.ts';

export interface CloseOptions {
  /** How long steps at work may go on, in milliseconds. Default 10 000. */
  readonly graceMs?: number;
}

export const checkClose: Rule = optionsOf<CloseOptions>({ graceMs: millisecondsOrNone });
