/** Runs that take turns, as scripts name them, and what the texts of a turnstile say: see lua/parts/turns.lua. */
import type { Keyed, LimitsOfCode, Turn } from '../core/turns.ts';
import type { Reply } from './arguments.ts';

/** What follows the outcome of a script: workflow, key and birth of a run with a key, or nothing. */
export function toKeyed(run: string, rest: Reply): { readonly keyed?: Keyed } {
  if (rest.length < 3) return {};
  const [workflow, key, birth] = rest.map(String);
  return { keyed: { workflow: workflow ?? '', key: key ?? '', run, birth: birth ?? '' } };
}

/** A run in a turnstile: neither id nor birth has a space. */
export function toMember({ run, birth }: Pick<Keyed, 'run' | 'birth'>): string {
  return `${run} ${birth}`;
}

/** Turns, five values each. */
export function toTurns(values: Reply): readonly Turn[] {
  const turns: Turn[] = [];
  for (let i = 0; i + 4 < values.length; i += 5) {
    const [workflow = '', key = '', run = '', birth = ''] = values.slice(i, i + 4).map(String);
    turns.push({ workflow, key, run, birth, turn: Number(values[i + 4]) });
  }
  return turns;
}

export function formatLimits(limits: LimitsOfCode): string {
  const { perKey = 0, fleet = 0, rate, onBusy, burstMs, codeVersion } = limits;
  const numbers = [perKey, fleet, rate?.max ?? 0, rate?.perMs ?? 0];
  return [...numbers, onBusy, ...(burstMs === undefined ? [] : [burstMs]), codeVersion].join(' ');
}
