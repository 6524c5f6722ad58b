// Goal: LangGraph's own suite judges the saver in a Redis Cluster too. Method: as in official.test.ts, over three masters.
import { deltaChannelHistoryTests, specTest } from '@langchain/langgraph-checkpoint-validation';
import { afterAll, beforeAll } from 'vitest';
import { PawlSaver } from '../../src/langgraph.ts';
import { startRedisCluster, type RedisCluster } from '../support/cluster.ts';
import { newPrefix } from '../support/workers.ts';

let cluster: RedisCluster | undefined;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(() => cluster?.stop());

const initializer = {
  checkpointerName: 'pawl in a cluster',
  createCheckpointer: () =>
    PawlSaver.open({ redis: { nodes: [...(cluster?.nodes ?? [])] }, prefix: newPrefix() }),
  destroyCheckpointer: (saver: PawlSaver) => saver.close(),
};

specTest(initializer);
deltaChannelHistoryTests(initializer);
