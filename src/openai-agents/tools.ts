/** Calls of function tools as steps or effects, after the person who may have to agree. */
import type { FunctionTool } from '@openai/agents';
import { agreed, type ApprovalOptions, type ToolOptions } from '../agents/approval.ts';
import type { AgentCalls, Give } from '../agents/calls.ts';
import type { AgentStep } from '../agents/context.ts';
import { StepError } from '../core/errors.ts';
import { parsedInput } from './ui.ts';

// What a tool returns, and what it takes, is its own business.
export type AnyTool = FunctionTool<never, never>;
type Invoke = AnyTool['invoke'];
type Context = Parameters<Invoke>[0];
type Details = NonNullable<Parameters<Invoke>[2]>;

const steps = new WeakMap<object, AgentStep>();

/**
 * The step of a call, for the `execute` of a tool: `stepOf(details).idempotencyKey` goes to systems that can recognise a
 * repetition. `details` is the third argument of `execute`. Undefined outside of a durable agent.
 */
export function stepOf(details: object | undefined): AgentStep | undefined {
  return details === undefined ? undefined : steps.get(details);
}

/** The tool as the SDK calls it: each call is stored, and people are asked by waits of the run. */
export function durableTool(
  tool: AnyTool,
  options: ToolOptions,
  { calls, signal }: { readonly calls: AgentCalls; readonly signal: string },
): AnyTool {
  const invoke: Invoke = async (context, input, details = {}) => {
    const id = details.toolCall?.callId ?? tool.name;
    const name = calls.nameOf(id);
    const value = parsedInput(input);
    const when = whenOf(tool, options, { context, value, id });
    try {
      if (when !== undefined) {
        const asked: ApprovalOptions = typeof options.approve === 'object' ? options.approve : {};
        await agreed(calls, signal, { tool: tool.name, id, name, input: value, when }, asked);
      }
    } catch (error) {
      return refusal(error);
    }
    try {
      return await calls.tool(
        name,
        (step, give) => bodyOf(tool, [context, input, details], { step, give, id }),
        options,
      );
    } catch (error) {
      // The SDK is told what the tool has said, the same on a resume as when it failed.
      throw StepError.is(error) && error.cause instanceof Error ? error.cause : error;
    }
  };
  return { ...tool, invoke, needsApproval: () => Promise.resolve(false) };
}

/** Whether a call needs a person; undefined when none does. */
function whenOf(
  tool: AnyTool,
  { approve }: ToolOptions,
  call: { readonly context: Context; readonly value: unknown; readonly id: string },
): (() => boolean | Promise<boolean>) | undefined {
  if (approve === false) return undefined;
  if (approve === undefined) {
    return () => tool.needsApproval(call.context, call.value as never, call.id);
  }
  const { when = () => true } = approve === true ? {} : approve;
  return () => when(call.value);
}

async function bodyOf(
  tool: AnyTool,
  [context, input, details]: readonly [Context, string, Details],
  { step, give, id: toolCallId }: { step: AgentStep; give: Give; id: string },
): Promise<unknown> {
  const { signal } = details;
  const signals = signal === undefined ? [step.signal] : [signal, step.signal];
  // The SDK finds more about the call by this very object.
  Object.assign(details, { signal: AbortSignal.any(signals) });
  steps.set(details, step);
  const output: unknown = await tool.invoke(context, input, details);
  await give({ type: 'tool-output-available', toolCallId, output });
  return output;
}

/** The model is told that it was refused. A run that ends, or that parks, is not. */
function refusal(error: unknown): string {
  if (error instanceof Error && error.message.startsWith('This call was refused: ')) {
    return error.message;
  }
  throw error;
}
