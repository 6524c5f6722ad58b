/**
 * What an announcement on a run's channel says. Scripts write it:
 *
 *   +<seq>               nothing but its log and snapshot have changed
 *   ~<seq>               it has certainly not come to its end
 *   !<status>\n<bytes>   its end, and what its record has as output or error, where that is small
 *   <anything else>      look for yourself
 */
import type { EndRecord } from '../core/run.ts';

interface Change {
  readonly only?: 'log' | 'open';
  readonly end?: EndRecord;
}

const anyChange: Change = {};
const ofLog: Change = { only: 'log' };
const leavesOpen: Change = { only: 'open' };
const plus = 0x2b;
const tilde = 0x7e;
const bang = 0x21;

/** `said`: undefined when what was said may have been missed. */
export function toChange(said: Buffer | undefined): Change {
  switch (said?.[0]) {
    case plus:
      return ofLog;
    case tilde:
      return leavesOpen;
    case bang:
      return toEnd(said);
    default:
      return anyChange;
  }
}

function toEnd(said: Buffer): Change {
  const line = said.indexOf('\n');
  const status = said.toString('latin1', 1, line);
  const payload = line + 1 < said.length ? said.subarray(line + 1) : undefined;
  switch (status) {
    case 'completed':
      return { end: { status, output: payload, error: undefined } };
    case 'failed':
    case 'cancelled':
      return { end: { status, output: undefined, error: payload } };
    default:
      return anyChange;
  }
}
