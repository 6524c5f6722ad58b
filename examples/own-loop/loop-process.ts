/** The process of the loop. On a single machine, `FileCheckpointer` of `pawl/file` could stand in pawl's place. */
import { Pawl } from 'pawl';
import { crawl } from './crawl.ts';

const { PAWL_EXAMPLE_REDIS: redis = '', PAWL_EXAMPLE_PREFIX: prefix = '' } = process.env;
process.on('disconnect', () => process.exit(1));
process.on('SIGINT', () => {});

const pawl = await Pawl.open({ redis, prefix });
process.send?.('ready');
await crawl(pawl.checkpointer, 'crawl-1');
await pawl.close();
// The channel to the process that started this one would keep it alive.
process.exit(0);
