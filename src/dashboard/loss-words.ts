/** Why a worker lost a run, in words for people. The log has the short name. */
import { visible } from './words.ts';

const words: Readonly<Record<string, string>> = {
  'presence-lost': 'its process died',
  'session-expired': 'its beats stopped',
  forgotten: 'it had forgotten the run',
};

export function lossWords(reason: string): string {
  return words[reason] ?? visible(reason);
}
