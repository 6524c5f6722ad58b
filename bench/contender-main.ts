/**
 * The process of one contender: `contender-main.js <workload> <contender>`. Measures a round for each message it gets, and
 * ends when its parent has left.
 */
import { workloads } from './workloads.ts';
import type { Arena } from './workload.ts';

const [, , workloadName, contenderName] = process.argv;
const contender = workloads
  .find(({ name }) => name === workloadName)
  ?.contenders.find(({ name }) => name === contenderName);
if (contender === undefined) throw new Error(`${workloadName} has no ${contenderName}`);

process.on('message', (arena: Arena) => {
  contender.measure(arena).then(
    (samples) => process.send?.({ samples }),
    (error: unknown) => process.send?.({ error: String((error as Error).stack ?? error) }),
  );
});
process.once('disconnect', () => process.exit());
