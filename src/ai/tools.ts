/**
 * Calls of tools as steps or effects, and the person who may have to agree first.
 *
 *   the model calls ──▶ ask (a step: is a person needed?) ──no──▶ tool (a step or an effect) ──▶ its output
 *                            └──yes──▶ the run waits, parked ──agreed──▶ ▲
 *                                              └──refused, or too late──▶ the model is told so
 *
 * Crash in a wait: the wait is in the log, and a later owner finds the answer. Crash in the tool: as its `onDoubt` says.
 */
import { z } from 'zod';
import type { AgentCalls, Give } from '../agents/calls.ts';
import type { AgentStep, CallOptions } from '../agents/context.ts';
import { callRules } from '../agents/call-options.ts';
import type { Duration } from '../core/duration.ts';
import { StepError } from '../core/errors.ts';
import { callback, duration, either, optionsOf } from '../core/option-rules.ts';

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

/** A tool of the AI SDK, as far as a call goes. */
export interface CalledTool {
  /** Does the work; without it a page or the provider does. */
  readonly execute?: unknown;
  /** Whether a person must agree first: true, or a function of the input. */
  readonly needsApproval?: unknown;
}

type Execute = (input: unknown, options: ToolCall) => unknown;

interface ToolCall {
  readonly toolCallId: string;
  readonly abortSignal?: AbortSignal | undefined;
}

interface ToolParts {
  readonly name: string;
  readonly calls: AgentCalls;
  /** The name of the signal that a person answers with. */
  readonly signal: string;
}

const labelLength = 300;
const steps = new WeakMap<object, AgentStep>();

/**
 * The step of a call, for the `execute` of a tool: `stepOf(options).idempotencyKey` goes to systems that can recognise a
 * repetition. `options` is the second argument of `execute`. Undefined outside of a durable agent.
 */
export function stepOf(options: object): AgentStep | undefined {
  return steps.get(options);
}

/** The tool as the AI SDK calls it: each call is stored. A tool that a page or the provider executes stays as it is. */
export function durableTool(tool: CalledTool, options: ToolOptions, parts: ToolParts): CalledTool {
  if (typeof tool.execute !== 'function') return tool;
  const execute = tool.execute as Execute;
  const approval = approvalOf(tool, options);
  const call = async (input: unknown, about: ToolCall): Promise<unknown> => {
    const name = parts.calls.nameOf(about.toolCallId);
    if (approval !== undefined) await agreed(name, input, about, approval, parts);
    try {
      return await parts.calls.tool(name, bodyOf(execute, input, about), options);
    } catch (error) {
      // The model is told what the tool has said, the same on a resume as when it failed.
      throw StepError.is(error) && error.cause instanceof Error ? error.cause : error;
    }
  };
  return { ...tool, needsApproval: undefined, execute: call };
}

function bodyOf(execute: Execute, input: unknown, about: ToolCall) {
  return async (step: AgentStep, give: Give): Promise<unknown> => {
    const { toolCallId, abortSignal } = about;
    const signals = abortSignal === undefined ? [step.signal] : [abortSignal, step.signal];
    const given = { ...about, abortSignal: AbortSignal.any(signals) };
    steps.set(given, step);
    try {
      let output: unknown = execute(input, given);
      if (isIterable(output)) {
        const results = output;
        for await (const early of results) {
          output = early;
          await give({ type: 'tool-output-available', toolCallId, output, preliminary: true });
        }
      } else output = await output;
      await give({ type: 'tool-output-available', toolCallId, output });
      return output;
    } catch (error) {
      if (!step.signal.aborted) {
        const errorText = error instanceof Error ? error.message : String(error);
        await give({ type: 'tool-output-error', toolCallId, errorText });
      }
      throw error;
    }
  };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

interface Approval {
  readonly when: (input: unknown, about: ToolCall) => boolean | PromiseLike<boolean>;
  readonly options: ApprovalOptions;
}

function approvalOf({ needsApproval }: CalledTool, { approve }: ToolOptions): Approval | undefined {
  const asked = approve ?? needsApproval ?? false;
  if (asked === false) return undefined;
  if (typeof asked === 'function') return { when: asked as Approval['when'], options: {} };
  const options = typeof asked === 'object' ? (asked as ApprovalOptions) : {};
  return { when: options.when ?? (() => true), options };
}

/** Resolves when a person has agreed, or none is needed. @throws Error that tells the model that it was refused. */
async function agreed(
  name: string,
  input: unknown,
  about: ToolCall,
  { when, options }: Approval,
  { name: tool, calls, signal }: ToolParts,
): Promise<void> {
  const { toolCallId } = about;
  const { label, timeout } = options;
  const isNeeded = await calls.say(`ask:${name}`, async (_, give) => {
    if (!(await when(input, about))) return false;
    await give({ type: 'tool-approval-request', approvalId: calls.waitName(name), toolCallId });
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
  await calls.say(`refused:${name}`, (_, give) => give({ type: 'tool-output-denied', toolCallId }));
  throw new Error(`This call was refused: ${why}.`);
}

function short(label: string): string {
  return label.length <= labelLength ? label : `${label.slice(0, labelLength)}…`;
}
