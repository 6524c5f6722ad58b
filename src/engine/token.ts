/** Tokens: by one of them a writer, and a call that is repeated, is known again. */
import { randomFillSync } from 'node:crypto';

const tokenBytes = 16;
/** Random bytes for many tokens: asking the system for each one would cost as much as the rest of a commit. */
const pool = Buffer.alloc(256 * tokenBytes);
let used = pool.length;

/** 128 random bits: nobody else will ever use them. */
export function newToken(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += tokenBytes;
  return pool.toString('base64url', used - tokenBytes, used);
}
