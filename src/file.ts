/** `pawl/file`: loops of one's own whose events and snapshots are files of a folder. It loads no client of Redis. */
export { FileCheckpointer, type FileCheckpointerOptions } from './file/file-checkpointer.ts';
