/** Sessions as runs: what their ids are, and how lists find them. */
import { createHash } from 'node:crypto';
import { InvalidError } from '../core/errors.ts';
import { escapedId } from '../core/escaped-id.ts';

/** The kind of loop that sessions are. */
export const sessionWorkflow = 'openai-session';

const idLengthMax = 1_024;

/** The id of the run that a session is: `session~` and its own, with `~20` for a space. */
export function sessionRun(session: string): string {
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  return escapedId('session~', session, hash);
}

/** @throws InvalidError. */
export function checkSessionId(id: string): string {
  if (id !== '' && id.length <= idLengthMax && Buffer.from(id).toString() === id) return id;
  throw new InvalidError('sessionId', `must be a text of 1 to ${idLengthMax} characters.`);
}
