/** What a workflow gives out while it is at work, as its author and its readers see it. Types, and the check of a name. */
import type { Duration } from '../../core/duration.ts';
import { InvalidError } from '../../core/errors.ts';
import { checkOutputName } from '../../core/names.ts';
import { duration, optionsOf, type Rule, wholeNumber } from '../../core/option-rules.ts';
import type { InputOf, OutputOf, Schema } from '../../core/schema.ts';

/** Schemas of the chunks of a workflow's outputs, by the name of the output. */
export type OutputSchemas = Readonly<Record<string, Schema<unknown, unknown>>>;

/** No outputs are declared: any name is one, and any storable value a chunk. */
type Undeclared<O> = [keyof O] extends [never] ? true : false;

/** Names of a workflow's outputs. */
export type OutputName<O> = Undeclared<O> extends true ? string : keyof O & string;

/** What an output takes. */
export type ChunkInput<O, Name> =
  Undeclared<O> extends true ? unknown : Name extends keyof O ? InputOf<O[Name]> : never;

/** Writes chunks to one output of a run. */
export interface OutputWriter<Chunk = unknown> {
  /**
   * Adds a chunk. Resolves when it is stored; chunks of one turn of the event loop, and those that come while others are on
   * their way, travel together. It need not be awaited: a step completes, and a run ends, only when its chunks are stored.
   * @throws at once InvalidError, UnstorableError or LimitError; nothing was written.
   */
  write(chunk: Chunk): Promise<void>;
}

/** Opens an output by its name. Default: `default`. */
export type OpenOutput<O> = <Name extends OutputName<O> = 'default' & OutputName<O>>(
  name?: Name,
) => OutputWriter<ChunkInput<O, Name>>;

/** What of a run's output is kept while the run goes on; the oldest chunks make room. */
export interface OutputKeeping {
  /** Bytes of the chunks of all outputs of a run, encoded. Default: 16 MB. */
  readonly bytes?: number;
  /** Older chunks go, with the next write. Default: as long as the run. */
  readonly age?: Duration;
}

/** A chunk as readers get it. */
export interface OutputChunk<Name extends string = string, Value = unknown> {
  /** Its place among all chunks of the run: 1, 2, 3 … `run.output({ from: number + 1 })` reads on from it. */
  readonly number: number;
  /** The name of the output. */
  readonly output: Name;
  /** The step that gave it out; empty for the handler itself. */
  readonly step: string;
  /** The number of the chunk that this attempt at the step began with, on this output. Later attempts have a higher one. */
  readonly epoch: number;
  /**
   * The first chunk of an attempt. What the same step gave out on the same output before is dead: drop it, or mark it. Of
   * a step that runs for the first time there is nothing to drop.
   */
  readonly begins: boolean;
  /** What was written. */
  readonly value: Value;
  /** When it was stored, on Redis' clock. */
  readonly at: Date;
  /** How many chunks of the run, right before this one, are not kept any more. Nearly always 0. */
  readonly skipped: number;
}

/** A chunk of an output of a workflow. Default: of any. */
export type ChunkOf<O, Name = OutputName<O>> =
  Undeclared<O> extends true
    ? OutputChunk
    : { [N in keyof O & string]: OutputChunk<N, OutputOf<O[N]>> }[keyof O & string & Name];

/** Of a workflow's definition. */
export const checkKeeping: Rule = optionsOf<OutputKeeping>({
  bytes: wholeNumber(1),
  age: duration,
});

/**
 * The schema of an output's chunks; undefined when the workflow declares no outputs.
 * @throws InvalidError for a bad name, or one that the workflow does not declare.
 */
export function outputSchema(
  { name, definition }: { readonly name: string; readonly definition: { outputs?: OutputSchemas } },
  output: string,
): Schema<unknown, unknown> | undefined {
  checkOutputName(output);
  const { outputs } = definition;
  if (outputs === undefined) return undefined;
  if (Object.hasOwn(outputs, output)) return outputs[output];
  const known = Object.keys(outputs).join(', ') || 'none';
  throw new InvalidError(
    'output name',
    `${JSON.stringify(output)} is not one of workflow ${name} (${known}).`,
  );
}
