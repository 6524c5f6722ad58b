// `pawl/assistant-ui`: resumable streams of assistant-ui, in the runs of a pawl.
export { resumableStore } from './assistant-ui/store.ts';
export type { ResumableStore, ResumableStoreOptions } from './assistant-ui/store.ts';
