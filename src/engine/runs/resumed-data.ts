/** What the log says of a resume: who asked, and a new input as the workflow takes it. */
import { encode } from '../../core/codec.ts';
import type { OperatorResumedData } from '../../core/event.ts';
import type { Limits } from '../../core/limits.ts';
import type { ResumeRequest } from '../../core/request.ts';
import { validate } from '../../core/schema.ts';
import type { AnyWorkflow } from '../definition/workflow.ts';

/** @throws InvalidError, UnstorableError, LimitError for a bad input. */
export function toResumed(
  { input, ...request }: ResumeRequest,
  workflow: AnyWorkflow | undefined,
  limits: Limits,
): OperatorResumedData {
  if (input === undefined) return request;
  const schema = workflow?.definition.input;
  const valid: unknown = schema === undefined ? input : validate(schema, input, 'input');
  return { ...request, input: encode(valid, 'input', limits.inputBytes) };
}
