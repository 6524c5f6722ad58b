/**
 * The history of a session, as it is folded from the log of its run. Each change keeps the first items of the history and
 * adds others behind them, so there are three kinds of events:
 *
 *   items.removed      so many of the newest ones go
 *   items.added        these come
 *   operation.applied  the change had this id; its digest tells a repetition from another change under the same id
 *
 * All events of a change are one save. A snapshot is a sum of what is before it, and is saved now and then.
 */
import { createHash } from 'node:crypto';
import type { AgentInputItem } from '@openai/agents';
import type { LatestSave, OwnEvent } from '../core/checkpointer.ts';
import { fixedLimits } from '../core/limits.ts';

/** A change of a history: what stays of it, and what comes then. */
export interface Change {
  readonly keep: number;
  readonly add: readonly AgentInputItem[];
}

/** As it is stored in a snapshot. */
export interface HistoryState {
  readonly items: readonly AgentInputItem[];
  /** Ids of changes with their digests, the oldest first. */
  readonly operations: readonly (readonly [id: string, digest: string])[];
}

/** Ids that are remembered. A change is repeated soon, or never. */
const operationsMax = 1_000;
/** A snapshot is saved when more items than this, and than it has itself, were added behind it. */
const tailMin = 64;
/** An event holds items up to this many characters of JSON, or one that is longer. */
const eventLength = 48 * 1024;

export class History {
  readonly items: AgentInputItem[];
  readonly #operations: Map<string, string>;
  /** How many items the events behind the snapshot have added. */
  #tail = 0;
  readonly #saved: number;

  constructor({ state, events }: LatestSave<HistoryState>) {
    this.items = [...(state?.items ?? [])];
    this.#saved = this.items.length;
    this.#operations = new Map(state?.operations);
    for (const event of events) this.#fold(event);
  }

  /** The digest of the change with this id; undefined when there was none. */
  digestOf(operation: string): string | undefined {
    return this.#operations.get(operation);
  }

  /** The events of a change, for one save. They are added up here as well. */
  change(
    { keep, add }: Change,
    operation?: { readonly id: string; readonly digest: string },
  ): OwnEvent[] {
    const removed = this.items.length - keep;
    const events = [
      ...(removed > 0 ? [{ type: 'items.removed', data: removed }] : []),
      ...inEvents(add).map((data) => ({ type: 'items.added', data })),
      ...(operation === undefined ? [] : [{ type: 'operation.applied', data: operation }]),
    ];
    for (const event of events) this.#fold(event);
    return events;
  }

  /** What a snapshot would hold now, if it is time for one. */
  get due(): HistoryState | undefined {
    if (this.#tail < Math.max(tailMin, this.#saved)) return undefined;
    return { items: this.items, operations: [...this.#operations] };
  }

  #fold({ type, data }: Pick<OwnEvent, 'type' | 'data'>): void {
    if (type === 'items.removed') this.items.splice(this.items.length - Number(data));
    else if (type === 'items.added') {
      const added = data as readonly AgentInputItem[];
      this.items.push(...added);
      this.#tail += added.length;
    } else if (type === 'operation.applied') {
      const { id, digest } = data as { readonly id: string; readonly digest: string };
      this.#operations.set(id, digest);
      const [oldest] = this.#operations.keys();
      if (this.#operations.size > operationsMax && oldest !== undefined) {
        this.#operations.delete(oldest);
      }
    }
  }
}

/** Items as they are put into events, which have a limit each. */
function inEvents(items: readonly AgentInputItem[]): AgentInputItem[][] {
  const groups: AgentInputItem[][] = [];
  let length = eventLength;
  // Fewer events than a save takes, whatever the items are.
  const perEvent = Math.ceil(items.length / (fixedLimits.eventsPerCommit - 2));
  for (const item of items) {
    const own = textOf(item).length;
    const last = groups.at(-1);
    if (last !== undefined && (length + own <= eventLength || last.length < perEvent)) {
      last.push(item);
      length += own;
    } else {
      groups.push([item]);
      length = own;
    }
  }
  return groups;
}

/** A text that two values share if they say the same, in whatever order their fields are. What is undefined is not there. */
export function textOf(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
      if (part instanceof Uint8Array) return { bytes: Buffer.from(part).toString('base64') };
      const fields = Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(fields);
    }) ?? ''
  );
}

export function digestOf(value: unknown): string {
  return createHash('sha256').update(textOf(value)).digest('base64url');
}
