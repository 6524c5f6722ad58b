/** `pawl runs …` */
import type { Add } from '../shell.ts';
import { addAnswer } from './answer.ts';
import { addControl } from './control.ts';
import { addDecide } from './decide.ts';
import { addDiff } from './diff.ts';
import { addEvents } from './events.ts';
import { addFork } from './fork.ts';
import { addList } from './list.ts';
import { addOutput } from './output.ts';
import { addShow } from './show.ts';
import { addSignal } from './signal.ts';
import { addStart } from './start.ts';
import { addState } from './state.ts';
import { addTransfer } from './transfer.ts';

const verbs: readonly Add[] = [
  addList,
  addShow,
  addEvents,
  addOutput,
  addState,
  addDiff,
  addStart,
  addSignal,
  addAnswer,
  addDecide,
  addControl,
  addFork,
  addTransfer,
];

export const addRuns: Add = (program, signal) => {
  const runs = program
    .command('runs')
    .description('Runs. Ids may be shortened; @last is the newest.');
  for (const add of verbs) add(runs, signal);
};
