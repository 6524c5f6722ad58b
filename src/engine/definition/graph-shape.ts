/** A graph without its types: what a definition is compiled to, executed and drawn from. */
import type { HowToUndo } from './undoable.ts';
import type { Duration } from '../../core/duration.ts';
import type { RetryPolicy } from '../../core/policy.ts';
import type { Schema } from '../../core/schema.ts';
import type { StepKind } from '../../core/tracing.ts';

export interface GraphShape {
  readonly name: string;
  readonly start: string;
  /** The state is kept after each completed visit. */
  readonly keepsVisits: boolean;
  readonly nodes: ReadonlyMap<string, NodeShape>;
  /** Schemas of the arguments of nodes that take some, by node. */
  readonly args: Readonly<Record<string, Schema<unknown, unknown>>>;
  readonly merge: Readonly<Record<string, (current: unknown, update: unknown) => unknown>>;
  readonly output: ((state: unknown) => unknown) | undefined;
}

export type AnyTarget = string | { readonly node: string; readonly args?: unknown };

export interface NodeShape {
  readonly id: string;
  readonly run: (ctx: unknown, args: unknown) => unknown;
  readonly retry: RetryPolicy | undefined;
  readonly timeout: Duration | undefined;
  readonly kind: StepKind | undefined;
  readonly undo: HowToUndo<unknown> | undefined;
  /** Declared targets of goto; undefined when none are declared. */
  readonly to: readonly string[] | undefined;
  readonly edge: EdgeShape | undefined;
  readonly cycleLimit: number;
}

export interface EdgeShape {
  /** Declared targets; undefined when only the function knows them. */
  readonly to: readonly string[] | undefined;
  readonly choose: (state: unknown, result: unknown) => AnyTarget | readonly AnyTarget[];
  readonly isConditional: boolean;
}
