/** The error of a run in one line: where it began, for that is what went wrong. */
import type { ErrorRecord } from '../../core/errors.ts';
import { visible } from '../words.ts';

const depthMax = 16;

export function rootOf(error: ErrorRecord): ErrorRecord {
  let root = error;
  for (let depth = 0; root.cause !== undefined && depth < depthMax; depth++) root = root.cause;
  return root;
}

export function errorLine(error: ErrorRecord, length = 160): string {
  const { name, message } = rootOf(error);
  const text = `${name}: ${message.split('\n', 1)[0] ?? ''}`;
  return visible(text.length > length ? `${text.slice(0, length)}…` : text);
}
