/** Threads as runs: LangGraph lets any text be a thread's id. One that is too long for a run becomes its SHA-256. */
import { createHash } from 'node:crypto';
import { InvalidError } from '../core/errors.ts';
import { escapedId } from '../core/escaped-id.ts';
import { threadPrefix } from '../core/langgraph.ts';

/** What LangGraph makes itself is far shorter; keys of megabytes would slow down everything. */
const idLengthMax = 1_024;
const namespaceLengthMax = 8_192;

/** The id of the run that a thread is. */
export function runOf(thread: string): string {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  return escapedId(threadPrefix, thread, hash);
}

/** @throws InvalidError for an id that is no text, empty, too long, or not to be stored. Numbers are taken as text. */
export function checkId(id: unknown, what: string): string {
  const text = typeof id === 'number' && Number.isFinite(id) ? String(id) : id;
  return checkText(text, { what, max: idLengthMax, min: 1 });
}

/** @throws InvalidError as `checkId`; the root has an empty namespace. */
export function checkNamespace(namespace: unknown): string {
  return checkText(namespace ?? '', { what: 'checkpoint_ns', max: namespaceLengthMax, min: 0 });
}

/** @throws InvalidError for a channel whose name cannot be stored. */
export function checkChannel(channel: string): string {
  return checkText(channel, { what: 'channel', max: idLengthMax, min: 0 });
}

function checkText(
  text: unknown,
  { what, min, max }: { readonly what: string; readonly min: number; readonly max: number },
): string {
  const refuse = (problem: string): InvalidError =>
    new InvalidError(what, `${problem} Nothing was written.`);
  if (typeof text !== 'string') throw refuse('must be a text.');
  if (text.length < min) throw refuse('is empty.');
  if (text.length > max) throw refuse(`has ${text.length} characters, at most ${max} are stored.`);
  // NUL stands between the parts of keys; half a surrogate pair would not come back.
  if (text.includes('\0') || Buffer.from(text).toString() !== text) {
    throw refuse('has a NUL or half a character.');
  }
  return text;
}
