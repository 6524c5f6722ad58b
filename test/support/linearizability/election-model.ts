/**
 * The election of the sweeper, as long as no lock runs out and no presence is judged: whoever looks first leads until it
 * leaves.
 */
import type { Model } from './checker.ts';

export interface ElectionInput {
  readonly call: 'elect' | 'deregister';
  readonly worker: string;
}

export interface ElectionAnswer {
  readonly outcome: 'leader' | 'follower' | 'left';
}

export const electionModel: Model<string, ElectionInput, ElectionAnswer> = {
  initial: '',
  step(leader, { call, worker }, answer) {
    const [right, next] = perform(leader, call, worker);
    return answer === undefined || answer.outcome === right ? next : undefined;
  },
  key: (leader) => leader,
};

function perform(
  leader: string,
  call: ElectionInput['call'],
  worker: string,
): readonly [ElectionAnswer['outcome'], string] {
  if (call === 'deregister') return ['left', leader === worker ? '' : leader];
  return leader === '' || leader === worker ? ['leader', worker] : ['follower', leader];
}
