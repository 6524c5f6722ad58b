/** The moments at which Redis is made to forget what it has just done: those where two stories begin to differ. */
import { isEnded } from '../../src/core/run.ts';
import { base } from './oracle.ts';
import type { Request } from './redis/simulated-client.ts';
import type { Keyspace } from './redis/values.ts';
import { releasedBy } from './released.ts';

export type Moment =
  | 'after a claim'
  | 'after a release'
  | 'after the end of a child'
  | 'after the start of an effect'
  | 'after a creation by a schedule';

/** How often each is chosen: some happen a thousand times as often as others. */
export const aim: Readonly<Record<Moment, number>> = {
  'after a claim': 0.004,
  'after a release': 0.004,
  'after the end of a child': 0.06,
  'after the start of an effect': 0.03,
  'after a creation by a schedule': 0.15,
};

/** Undefined for a call after which nothing in particular is to be feared. */
export function momentOf({ name, args, argv = [] }: Request, keys: Keyspace): Moment | undefined {
  switch (name) {
    case 'claim':
      return 'after a claim';
    case 'create':
      return argv[1]?.startsWith('schedule ') === true
        ? 'after a creation by a schedule'
        : undefined;
    case 'append':
      return argv.includes('effect.begun') ? 'after the start of an effect' : undefined;
    case 'post':
      return argv[2] === 'child' ? 'after the end of a child' : undefined;
    case 'commit': {
      if (argv.includes('effect.begun')) return 'after the start of an effect';
      const { status } = releasedBy(argv);
      if (status === '') return undefined;
      const hasParent = keys.hash(args[0] ?? base)?.has('parent') === true;
      if (isEnded(status) && hasParent) return 'after the end of a child';
      return 'after a release';
    }
    default:
      return undefined;
  }
}
