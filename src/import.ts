/** `pawl/import`: files of other systems as the lines that `pawl.import` takes. */
export { type ForeignFormat, readForeign } from './imports/read-foreign.ts';
