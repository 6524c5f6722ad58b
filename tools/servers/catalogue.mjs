// The servers that people run, by the names that the tools take. `suite` is the Debian suite that has it, `base` the one
// that a suite of backports builds on. A suite moves on: what it has now must begin with `version`, or the tool says so.
export const catalogue = [
  { name: 'redis-8.0', program: 'redis', version: '8.0', suite: 'trixie' },
  {
    name: 'valkey-8.0',
    program: 'valkey',
    version: '8.0',
    suite: 'bookworm-backports',
    base: 'bookworm',
  },
  { name: 'valkey-8.1', program: 'valkey', version: '8.1', suite: 'trixie' },
  { name: 'valkey-9.1', program: 'valkey', version: '9.1', suite: 'forky' },
];

/** What the tools say in one line, without a stack. */
export class Unavailable extends Error {}
