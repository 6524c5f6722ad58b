/**
 * The shape of a schema as pawl uses it: the Standard Schema interface (version 1), which zod and others implement. Only
 * the interface is needed, so any copy and version of any such library fits.
 */
import { textOfThrown } from './error-record.ts';
import { DefinitionError, InvalidError } from './errors.ts';
import { isThenable, letGo } from './thenable.ts';

/**
 * A Standard Schema: what zod, valibot, arktype and others give. pawl checks values with it, and takes types from it.
 */
export interface Schema<Input = unknown, Output = Input> {
  /** The part that pawl calls. Its `validate` must answer at once: one that returns a promise is refused. */
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What callers may pass. */
export type InputOf<S> = S extends Schema<infer Input, unknown> ? Input : never;
/** What the schema makes of it. */
export type OutputOf<S> = S extends Schema<unknown, infer Output> ? Output : never;

/**
 * Validates a value; returns what the schema makes of it.
 * @throws InvalidError naming the first field that does not fit, below `field`.
 * @throws DefinitionError when the schema validates asynchronously, throws, or gives no answer.
 */
export function validate<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  field: string,
): Output {
  let result: Validated<Output> | PromiseLike<unknown>;
  try {
    result = schema['~standard'].validate(value);
  } catch (thrown) {
    throw new DefinitionError(
      `The schema of ${field} threw instead of answering: ${textOfThrown(thrown)}.`,
      thrown,
    );
  }
  if (isThenable(result)) {
    letGo(result);
    throw new DefinitionError(
      `The schema of ${field} validates asynchronously; pawl needs a synchronous one.`,
    );
  }
  if (typeof result !== 'object' || result === null) {
    throw new DefinitionError(`The schema of ${field} answers with neither a value nor issues.`);
  }
  if (result.issues === undefined) return result.value;
  const [first] = result.issues;
  throw new InvalidError(
    formatPath(field, first),
    `does not fit: ${first?.message ?? 'no reason given'}.`,
  );
}

function formatPath(field: string, issue: Issue | undefined): string {
  let path = field;
  for (const part of issue?.path ?? []) {
    const key = typeof part === 'object' ? part.key : part;
    path += typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
  }
  return path;
}
