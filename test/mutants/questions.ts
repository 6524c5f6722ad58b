/** Bugs of questions to runs, and of the blobs that their values lie in. */
import { type Mutant, suite, unit } from './mutant.ts';

export const mutantsOfQuestions: readonly Mutant[] = [
  {
    name: 'a large value is referred to and never put',
    file: 'blobs/writing.ts',
    passage: 'await this.put(run, aside);',
    by: '',
    foundBy: [{ unit: 'test/unit/blobs/blobs.test.ts' }],
  },
  {
    name: 'a deleted run leaves its blobs to nobody',
    file: 'redis/lua/delete.lua',
    passage: 'leaveBlobs(base, id)\nredis',
    by: 'redis',
    foundBy: [suite],
  },
  {
    name: 'an answer that was kept is made anew',
    file: 'engine/execution/answers.ts',
    passage: "if (kept !== undefined) return { is: 'value', value: kept };",
    by: '',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'an answer is made before the handler has caught up',
    file: 'engine/execution/deliveries.ts',
    passage: '#isCaughtUp = false;',
    by: '#isCaughtUp = true;',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'of two answers the later one does not see what the first one changed',
    file: 'engine/execution/answers.ts',
    passage: 'isThenable(given) ? await given : given',
    by: 'await given',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'an answer writes by ctx',
    file: 'engine/execution/handler-runtime.ts',
    passage: 'if (refusal !== undefined) return Promise.reject(refusal);',
    by: '',
    foundBy: [unit('execution/answers')],
  },
  {
    name: 'a run parks over an open question',
    file: 'redis/lua/commit.lua',
    passage: "return {'unread', 'asked'}",
    by: '',
    foundBy: [suite],
  },
];
