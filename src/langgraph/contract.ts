/**
 * What is used of LangGraph's package, as of 1.1.4 and later. Of what only 1.2 has, its own version is taken where it is
 * there.
 */
import * as checkpointPackage from '@langchain/langgraph-checkpoint';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';

/** Of a package that this module does not import for its types only. */
export type Config = Parameters<BaseCheckpointSaver['getTuple']>[0];
export type Serializer = BaseCheckpointSaver['serde'];

/** Task path, task, place. */
export type SortKey = readonly [path: string, task: string, index: number];

/** By code points, as LangGraph in Python sorts: not by UTF-16 units, nor by a language. */
function compareKeys(a: SortKey, b: SortKey): number {
  return compareTexts(a[0], b[0]) || compareTexts(a[1], b[1]) || a[2] - b[2];
}

function compareTexts(a: string, b: string): number {
  const [before, after] = [a[Symbol.iterator](), b[Symbol.iterator]()];
  for (;;) {
    const [one, other] = [before.next(), after.next()];
    if (one.done === true || other.done === true) {
      return Number(one.done !== true) - Number(other.done !== true);
    }
    const difference = (one.value.codePointAt(0) ?? 0) - (other.value.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
}

/** The order in which LangGraph applies the writes of a step, and wants them back. */
export const compareWrites: (a: SortKey, b: SortKey) => number =
  'compareWritesSortKeys' in checkpointPackage
    ? checkpointPackage.compareWritesSortKeys
    : compareKeys;

export const { WRITES_IDX_MAP: indexes, getCheckpointId, maxChannelVersion } = checkpointPackage;

/** The channel of what a step sends to nodes of the next one, and that of questions. */
export const tasksChannel = '__pregel_tasks';
export const interruptChannel = '__interrupt__';
/** The error of a task; and the node whose error another node handles. */
export const errorChannel = '__error__';
export const errorNodeChannel = '__error_source_node__';
