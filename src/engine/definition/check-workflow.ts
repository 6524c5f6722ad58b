/** Whether somebody has passed a workflow: the first mistake of many is to pass what it is made of. */
import { InvalidError } from '../../core/errors.ts';
import { checkWorkflowName } from '../../core/names.ts';
import { listOf, type Rule, shown } from '../../core/option-rules.ts';
import { type AnyWorkflow, formKey, workflowForm } from './workflow.ts';

/** True for what `defineWorkflow` or `defineGraph` returns, of any copy of the package whose workflows have this form. */
export function isWorkflow(value: unknown): value is AnyWorkflow {
  const isMarked = typeof value === 'object' && value !== null && formKey in value;
  return isMarked && value[formKey] === workflowForm;
}

/** @throws InvalidError naming `field`, with what was passed instead of a workflow. */
export function checkWorkflow(value: unknown, field = 'workflow'): asserts value is AnyWorkflow {
  if (isWorkflow(value)) return;
  throw new InvalidError(
    field,
    `must be what defineWorkflow or defineGraph returns, it is ${mistaken(value)}.`,
  );
}

/** A workflow, or whatever says the name of one. */
export interface Named {
  readonly name: string;
}

/** The name of a workflow, or of `{ name }`. @throws InvalidError. */
export function nameOf(workflow: Named): string {
  const isNamed = typeof workflow === 'object' && workflow !== null && 'name' in workflow;
  if (!isNamed) {
    throw new InvalidError('workflow', `must be a workflow or { name }, it is ${shown(workflow)}.`);
  }
  checkWorkflowName(workflow.name);
  return workflow.name;
}

/** @throws InvalidError when it is no list of workflows. */
export const checkWorkflows: Rule = listOf(checkWorkflow);

function mistaken(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(value);
  if (formKey in value) return 'one of another version of pawl: have one version of it installed';
  if ('definition' in value && 'initialState' in value) {
    return 'one of an older version of pawl, or was put together by hand';
  }
  if ('then' in value) return 'a promise: await it';
  if ('run' in value) return 'a definition: pass defineWorkflow({ … }) of it';
  if ('nodes' in value) return 'the definition of a graph: pass defineGraph({ … }) of it';
  return shown(value);
}
