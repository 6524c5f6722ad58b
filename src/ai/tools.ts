/** Calls of tools as steps or effects, after the person who may have to agree. Crash in the tool: as its `onDoubt` says. */
import { agreed, type ApprovalOptions, type ToolOptions } from '../agents/approval.ts';
import type { AgentCalls, Give } from '../agents/calls.ts';
import type { AgentStep } from '../agents/context.ts';
import { StepError } from '../core/errors.ts';

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
    if (approval !== undefined) {
      const { when, options: asked } = approval;
      const called = { tool: parts.name, id: about.toolCallId, name, input };
      const asking = { ...called, when: () => when(input, about) };
      await agreed(parts.calls, parts.signal, asking, asked);
    }
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
