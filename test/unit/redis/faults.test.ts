// Goal: what repeating may cure is told from what it cannot. Method: errors as Redis and Valkey word them.
import { expect, test } from 'vitest';
import { toFault } from '../../../src/redis/faults.ts';

function reply(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

test.each([
  'WRONGTYPE Operation against a key holding the wrong kind of value script: 6f, on @user_script:17.',
  'ERR The ID specified in XADD is equal or smaller than the target stream top item script: 6f, on @user_script:81.',
  "ERR user_script:12: attempt to perform arithmetic on field '?' (a string value) script: 6f, on @user_script:12.",
  "ERR user_script:12: bad argument #2 to 'format' (number expected, got nil) script: 6f, on @user_script:12.",
  'ERR hash value is not an integer script: 6f, on @user_script:95.',
])('is about the data, and will be so at the next try: %s', (message) => {
  const fault = toFault(reply(message), 'claim');
  expect(fault).toMatchObject({ code: 'PAWL_CORRUPT', retryable: false });
  expect(fault.message).toContain(message.slice(0, 40));
});

test.each([
  'READONLY You can’t write against a read only replica. script: 6f, on @user_script:1.',
  'ERR Script attempted to access a non local key in a cluster node script: 6f, on @user_script:3.',
  'CLUSTERDOWN Hash slot not served',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  'ERR max number of clients reached',
])('may be better at the next try: %s', (message) => {
  expect(toFault(reply(message), 'claim')).toMatchObject({
    code: 'PAWL_UNAVAILABLE',
    outcome: 'not-applied',
    retryable: true,
  });
});

test('no answer is not known to be about the data, whatever it says', () => {
  const fault = toFault(new Error('attempt to perform a write on a closed socket'), 'claim');
  expect(fault).toMatchObject({ code: 'PAWL_UNAVAILABLE', outcome: 'unknown' });
});
