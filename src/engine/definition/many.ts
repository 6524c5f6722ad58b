/** Many items of one kind, as a handler asks for them and gets their results. Types only. */
/** What becomes of one item that has failed among others. */
export interface ManyOptions {
  /** How many are at work at one time. Default: up to 1,000 items of a map, and 100 children. */
  readonly concurrency?: number;
  /**
   * `stop` (default): after a failure no other item is begun, those at work finish, and the call fails. `collect`: all
   * items are worked on, and the call returns how each has ended.
   */
  readonly onError?: 'stop' | 'collect';
}

/** How one item has ended. */
export type Settled<Value = unknown> =
  | SettledValue<Value>
  | {
      /** Its place among the items, from 0. */
      readonly index: number;
      /** Its last attempt has failed. */
      readonly status: 'failed';
      /** A StepError `PAWL_STEP_FAILED`, whose cause is the error of the item. */
      readonly error: unknown;
    };

/** An item with a result. */
export interface SettledValue<Value = unknown> {
  /** Its place among the items, from 0. */
  readonly index: number;
  /** It has a result. */
  readonly status: 'completed';
  /** What its body, or its child, has returned. */
  readonly value: Value;
}

/**
 * How all items have ended, in their order. The results are kept encoded, and decoded as they are read: reading one page
 * after another needs little memory, however many there are.
 */
export interface Results<Value = unknown> extends Iterable<Settled<Value>> {
  /** How many items there are. */
  readonly length: number;
  /** How many of them have a result. */
  readonly completed: number;
  /** How many of them have failed. */
  readonly failed: number;
  /** How one item has ended; undefined when there is no such item. */
  at(index: number): Settled<Value> | undefined;
  /** Those that have failed, in the order of the items. */
  failures(): Iterable<Extract<Settled<Value>, { readonly status: 'failed' }>>;
}
