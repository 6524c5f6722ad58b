/**
 * `durableAgent(ctx)`: what `run` of OpenAI Agents needs to survive the death of its process. Its loop is in the handler,
 * and is called again on a resume; calls of models, tools and sessions are stored, and are not made again.
 */
import type { Model, ModelProvider, Session } from '@openai/agents';
import { checkTool, type ToolOptions } from '../agents/approval.ts';
import { AgentCalls } from '../agents/calls.ts';
import { callRules } from '../agents/call-options.ts';
import type { AgentContext, CallOptions } from '../agents/context.ts';
import { InvalidError } from '../core/errors.ts';
import { optionsOf, text } from '../core/option-rules.ts';
import { durableSession } from './durable-session.ts';
import { DurableModels } from './model.ts';
import { type AnyTool, durableTool } from './tools.ts';

/** How the calls of an agent are made. */
export interface DurableAgentOptions extends CallOptions<never> {
  /**
   * The name of the answer: up to 64 of `A-Z a-z 0-9 _ . ~ @ : + -`. A run that gives several answers names each, and the
   * names of its steps begin with it. Default: `answer`.
   */
  readonly answer?: string;
  /** The output of the run that pages read. Default: `ui`. */
  readonly output?: string;
  /** The signal with which people agree to calls of tools. Default: `approval`. */
  readonly approvalSignal?: string;
}

const checkOptions = optionsOf<DurableAgentOptions>({
  ...callRules,
  answer: text,
  output: text,
  approvalSignal: text,
});

/** Makes the calls of an agent durable. One for each answer. */
export interface DurableAgent {
  /**
   * The model, so that each call of it is a step. Its tokens go to the run's output while they come. The SDK gets its answer
   * when it is stored, and on a resume without a second call.
   */
  model(model: Model): Model;
  /** The same for all models that a `Runner` finds by their names. */
  provider(provider: ModelProvider): ModelProvider;
  /**
   * Function tools, so that each call is a step, or an effect with `onDoubt`. Options by the name of the tool. Where
   * `needsApproval` says so, a person is asked by a wait of the run, and not by an interruption. Other tools stay as they
   * are.
   * @throws InvalidError for an option that does not fit, or of a tool that is not there.
   */
  tools<Tool extends object>(
    tools: readonly Tool[],
    options?: Readonly<Record<string, ToolOptions>>,
  ): Tool[];
  /**
   * The session, so that each call of it is a step. A session with `applyHistoryTransaction`, such as `PawlSession`, gets no
   * item two times.
   */
  session(session: Session): Session;
  /**
   * Tells pages that the answer is complete, or has failed with a text for them. Only a run that goes on after its answer
   * needs it: the end of the run says the same.
   */
  end(failed?: string): Promise<void>;
}

/**
 * Makes the calls of an agent of OpenAI Agents durable: pass the `ctx` of a handler. The loop of the agent must ask for the
 * same calls when it is given the same results. Read from outside in steps.
 * @throws InvalidError for an option that does not fit, and for the name of an answer that is none.
 */
export function durableAgent(ctx: AgentContext, options: DurableAgentOptions = {}): DurableAgent {
  checkOptions(options, 'durableAgent options');
  const { answer = 'answer', output = 'ui', approvalSignal: signal = 'approval' } = options;
  const calls = new AgentCalls(ctx, answer, output);
  const models = new DurableModels(calls, options);
  return {
    model: (model) => models.model(model),
    provider: (provider) => models.provider(provider),
    tools<Tool extends object>(
      tools: readonly Tool[],
      about: Readonly<Record<string, ToolOptions>> = {},
    ): Tool[] {
      const functions: readonly AnyTool[] = tools.filter((tool) => isFunctionTool(tool));
      for (const [name, given] of Object.entries(about)) {
        checkTool(given, `options of tool ${name}`);
        if (functions.some((tool) => tool.name === name)) continue;
        throw new InvalidError(`options of ${name}`, 'there is no such tool.');
      }
      return tools.map((tool) => {
        if (!isFunctionTool(tool)) return tool;
        return durableTool(tool, about[tool.name] ?? {}, { calls, signal }) as object as Tool;
      });
    },
    session: (session) => durableSession(calls, session),
    end: (failed) =>
      calls.say('end', (_, give) =>
        give(failed === undefined ? { type: 'finish' } : { type: 'error', errorText: failed }),
      ),
  };
}

function isFunctionTool(tool: object): tool is AnyTool {
  return 'type' in tool && tool.type === 'function' && 'invoke' in tool;
}
