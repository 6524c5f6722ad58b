/**
 * `pawl/file`: loops of one's own whose events and snapshots are files of a folder, and large values as files. It loads no
 * client of Redis.
 */
export { FileBlobStore, type FileBlobStoreOptions } from './file/file-blob-store.ts';
export { FileCheckpointer, type FileCheckpointerOptions } from './file/file-checkpointer.ts';
