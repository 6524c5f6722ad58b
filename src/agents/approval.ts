/**
 * The person who may have to agree before a tool is called.
 *
 *   ask (a step: is a person needed?) ──no──▶ the call
 *        └──yes──▶ the run waits, parked ──agreed──▶ the call
 *                          └──refused, or too late──▶ the model is told so
 *
 * Crash in a wait: the wait is in the log, and a later owner finds the answer.
 */
import { z } from 'zod';
import type { Duration } from '../core/duration.ts';
import { callback, duration, either, optionsOf } from '../core/option-rules.ts';
import { callRules } from './call-options.ts';
import type { AgentCalls } from './calls.ts';
import type { CallOptions } from './context.ts';

/**
 * What a person says to a call of a tool. Declare it as a signal of the workflow: `signals: { approval: approvalSchema }`.
 */
export const approvalSchema = z.object({
  approved: z.boolean(),
  reason: z.string().max(2_000).optional(),
});

/** How a person is asked before a tool is called. */
export interface ApprovalOptions<Input = unknown> {
  /** Whether this call needs a person. Asked once, and its answer is stored. Default: each call does. */
  readonly when?: (input: Input) => boolean | Promise<boolean>;
  /** The question, for the inbox. Default: the name of the tool and its input. */
  readonly label?: (input: Input) => string;
  /** After this time the call counts as refused. Default: waits for as long as it takes. */
  readonly timeout?: Duration;
}

/** How one tool is called. */
export interface ToolOptions<Input = unknown> extends CallOptions {
  /** Asks a person first. Default: as `needsApproval` of the tool says, else nobody is asked. */
  readonly approve?: boolean | ApprovalOptions<Input>;
}

const checkApproval = optionsOf<ApprovalOptions>({
  when: callback,
  label: callback,
  timeout: duration,
});
export const checkTool = optionsOf<ToolOptions>({
  ...callRules,
  approve: either((value) => typeof value === 'boolean', checkApproval),
});

/** A call that may need a person. */
export interface AskedCall {
  /** The name of the tool. */
  readonly tool: string;
  /** Of the call, as the model gave it. */
  readonly id: string;
  /** Of `AgentCalls.nameOf`. */
  readonly name: string;
  readonly input: unknown;
  readonly when: () => boolean | PromiseLike<boolean>;
}

const labelLength = 300;

/** Resolves when a person has agreed, or none is needed. @throws Error that tells the model that it was refused. */
export async function agreed(
  calls: AgentCalls,
  signal: string,
  { tool, id, name, input, when }: AskedCall,
  { label, timeout }: ApprovalOptions,
): Promise<void> {
  const isNeeded = await calls.say(`ask:${name}`, async (_, give) => {
    if (!(await when())) return false;
    const approvalId = calls.waitName(name);
    await give({ type: 'tool-approval-request', approvalId, toolCallId: id });
    return true;
  });
  if (!isNeeded) return;
  const answer = await calls.waitFor(signal, name, {
    label: short(label?.(input) ?? `May ${tool} be called with ${JSON.stringify(input)}?`),
    form: { approved: 'boolean', reason: 'text' },
    ...(timeout === undefined ? {} : { timeout }),
  });
  const said = answer === undefined ? undefined : approvalSchema.parse(answer);
  if (said?.approved === true) return;
  const why =
    said === undefined ? 'nobody has agreed in time' : (said.reason ?? 'a person says no');
  const denied = { type: 'tool-output-denied', toolCallId: id };
  await calls.say(`refused:${name}`, (_, give) => give(denied));
  throw new Error(`This call was refused: ${why}.`);
}

function short(label: string): string {
  return label.length <= labelLength ? label : `${label.slice(0, labelLength)}…`;
}
