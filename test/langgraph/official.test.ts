// Goal: LangGraph's own suite judges the saver, every part of it. Method: the suite switches tests off for savers that it
// knows by their names, and knows nothing of this one; a saver for each of its groups, over a prefix of its own.
import { deltaChannelHistoryTests, specTest } from '@langchain/langgraph-checkpoint-validation';
import { inject } from 'vitest';
import { PawlSaver } from '../../src/langgraph.ts';
import { newPrefix } from '../support/workers.ts';

const options = () => ({ redis: inject('redisUrl'), prefix: newPrefix() });
const initializer = {
  checkpointerName: 'pawl',
  createCheckpointer: () => PawlSaver.open(options()),
  destroyCheckpointer: (saver: PawlSaver) => saver.close(),
};

specTest(initializer);
deltaChannelHistoryTests(initializer);
