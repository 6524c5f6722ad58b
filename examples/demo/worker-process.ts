/**
 * One worker in a process of its own, which may be killed at any moment. Tells the process that
 * forked it what it does.
 *
 *   SIGTERM     hands its runs back to other workers and ends
 *   disconnect  the parent is gone: ends at once
 *   SIGINT      is left to the parent, because Ctrl-C in a terminal reaches both
 */
import { Pawl } from 'pawl';
import { graceMs, work } from './worker-work.ts';

process.on('disconnect', () => process.exit(1));
// The parent may have gone while this file was being loaded.
if (!process.connected) process.exit(1);
process.on('SIGINT', () => {});

const { PAWL_DEMO_REDIS: redis = '', PAWL_DEMO_PREFIX: prefix = '' } = process.env;
const open = async (logger: Parameters<Parameters<typeof work>[0]>[0]): Promise<Pawl> => {
  const pawl = await Pawl.open({ redis, prefix, logger });
  process.on('SIGTERM', () => {
    void pawl.close({ graceMs }).finally(() => process.exit(0));
  });
  return pawl;
};
await work(open, (report) => {
  if (process.connected) process.send?.(report);
});
