/**
 * The names that `pawl/otel` gives to spans and attributes: all of them, in one place, so that a convention that changes is
 * one edit. The table of docs/observability.md is held to this one by a test.
 *
 * OpenTelemetry has no convention for workflows yet. That for generative AI is in development, and so may change; whoever
 * reads `gen_ai.operation.name` finds agents of every framework by it.
 */

export const spanNames = {
  execution: (workflow: string): string => `execute ${workflow}`,
  step: (step: string): string => `step ${step}`,
} as const;

export const eventNames = { takeover: 'takeover' } as const;

/** Of the span of an execution, of that of a step, and of the event of a take-over. */
export const attributeNames = {
  run: 'pawl.run.id',
  workflow: 'pawl.workflow.name',
  worker: 'pawl.worker.id',
  fence: 'pawl.fence',
  end: 'pawl.execution.end',
  step: 'pawl.step.name',
  attempt: 'pawl.step.attempt',
  takeoverFrom: 'pawl.takeover.from',
  takeoverReason: 'pawl.takeover.reason',
  takeoverDetectMs: 'pawl.takeover.detect_ms',
  takeoverClaimMs: 'pawl.takeover.claim_ms',
  operation: 'gen_ai.operation.name',
  genAiWorkflow: 'gen_ai.workflow.name',
  conversation: 'gen_ai.conversation.id',
  tool: 'gen_ai.tool.name',
} as const;

/** Values of `gen_ai.operation.name`, by what a workflow or a step is. */
export const operations = {
  agent: 'invoke_workflow',
  model: 'chat',
  tool: 'execute_tool',
} as const;
