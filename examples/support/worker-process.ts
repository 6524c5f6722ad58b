/**
 * A worker in a process of its own, for the workflows of one module. This is all that a worker of yours needs, too: open
 * pawl, name the workflows, and hand the runs back when the process is asked to end.
 */
import { type Logger, Pawl, type Workflow } from 'pawl';
import { FileBlobStore } from 'pawl/file';

function isWorkflow(value: unknown): value is Workflow {
  return typeof value === 'object' && value !== null && 'definition' in value;
}

/** Only what somebody has to look at; a run that fails on purpose is not among it. */
const logger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (fields, message) => console.error(message, JSON.stringify(fields)),
};

const {
  PAWL_EXAMPLE_REDIS: redis = '',
  PAWL_EXAMPLE_PREFIX: prefix = '',
  PAWL_EXAMPLE_MODULE: module = '',
  PAWL_EXAMPLE_BLOBS: folder,
} = process.env;

// The process that started this one is gone: nobody would end it any more.
process.on('disconnect', () => process.exit(1));
// Ctrl-C in a terminal reaches both; the other process decides.
process.on('SIGINT', () => {});

const exported = (await import(module)) as Record<string, unknown>;
const blobs = folder === undefined ? {} : { blobs: { store: await FileBlobStore.open(folder) } };
const pawl = await Pawl.open({ redis, prefix, logger, ...blobs });
const worker = pawl.worker({ workflows: Object.values(exported).filter(isWorkflow) });
process.on('SIGTERM', () => void pawl.close({ graceMs: 1000 }).finally(() => process.exit(0)));
await worker.ready();
process.send?.(worker.id);
