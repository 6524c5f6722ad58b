/**
 * `durableAgent(ctx)`: what `generateText`, `streamText` and the agents of the AI SDK need to survive the death of their
 * process. Their loop is in the handler, and is called again on a resume; their calls are stored, and are not.
 */
import type { wrapLanguageModel } from 'ai';
import { checkTool, type ToolOptions } from '../agents/approval.ts';
import { AgentCalls } from '../agents/calls.ts';
import { callRules } from '../agents/call-options.ts';
import type { AgentContext } from '../agents/context.ts';
import { InvalidError } from '../core/errors.ts';
import { flag, optionsOf, text } from '../core/option-rules.ts';
import { type CalledModel, DurableModel, type ModelOptions } from './model.ts';
import { type CalledTool, durableTool } from './tools.ts';

/** How the calls of an agent are made. */
export interface DurableAgentOptions extends ModelOptions {
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

/** What `wrapLanguageModel` takes as a middleware, in the version that is installed. */
export type Middleware = Exclude<
  Parameters<typeof wrapLanguageModel>[0]['middleware'],
  readonly unknown[]
>;

const checkOptions = optionsOf<DurableAgentOptions>({
  ...callRules,
  stream: flag,
  answer: text,
  output: text,
  approvalSignal: text,
});

/** A set of tools of the AI SDK. */
export type Tools = Readonly<Record<string, CalledTool>>;

/** Makes the calls of an agent durable. One for each answer. */
export interface DurableAgent {
  /**
   * The model, so that each call of it is a step: `agent.model(openai('gpt-5'))`. Its tokens go to the run's output while
   * they come. Who has asked for the call gets them when they are stored, and on a resume without a second call.
   */
  model<Model extends CalledModel>(model: Model): Model;
  /** The same for `wrapLanguageModel({ model, middleware })`. */
  readonly middleware: Middleware;
  /**
   * The tools, so that each call of `execute` is a step, or an effect with `onDoubt`. Options by the name of the tool. Tools
   * without `execute` stay as they are.
   * @throws InvalidError for an option that does not fit, or of a tool that is not there.
   */
  tools<T extends Tools>(tools: T, options?: { readonly [Name in keyof T]?: ToolOptions }): T;
  /**
   * Tells pages that the answer is complete, or has failed with a text for them. Only a run that goes on after its answer
   * needs it: the end of the run says the same.
   */
  end(failed?: string): Promise<void>;
}

/**
 * Makes the calls of an agent durable: pass the `ctx` of a handler. The loop of the agent must ask for the same calls when
 * it is given the same results. Read from outside in steps.
 * @throws InvalidError for an option that does not fit, and for the name of an answer that is none.
 */
export function durableAgent(ctx: AgentContext, options: DurableAgentOptions = {}): DurableAgent {
  checkOptions(options, 'durableAgent options');
  const { answer = 'answer', output = 'ui', approvalSignal: signal = 'approval' } = options;
  const calls = new AgentCalls(ctx, answer, output);
  const durable = new DurableModel(calls, options);
  return {
    model<Model extends CalledModel>(model: Model): Model {
      const made: CalledModel = {
        doGenerate: (params) => durable.generate(model, params),
        doStream: (params) => durable.stream(model, params),
      };
      return new Proxy(model, {
        get: (_, key) => Reflect.get(Object.hasOwn(made, key) ? made : model, key) as unknown,
      });
    },
    middleware: {
      // Each version of the SDK has its own word here, and reads none.
      specificationVersion: 'v3',
      wrapGenerate: ({ model, params }) => durable.generate(model, params) as never,
      wrapStream: ({ model, params }) => durable.stream(model, params) as never,
    },
    tools<T extends Tools>(tools: T, about: { readonly [Name in keyof T]?: ToolOptions } = {}): T {
      const unknown = Object.keys(about).find((name) => !Object.hasOwn(tools, name));
      if (unknown !== undefined)
        throw new InvalidError(`options of ${unknown}`, 'there is no such tool.');
      const made = Object.entries(tools).map(([name, tool]) => {
        const given = about[name] ?? {};
        checkTool(given, `options of tool ${name}`);
        return [name, durableTool(tool, given, { name, calls, signal })] as const;
      });
      return Object.fromEntries(made) as T;
    },
    end: (failed) =>
      calls.say('end', (_, give) =>
        give(failed === undefined ? { type: 'finish' } : { type: 'error', errorText: failed }),
      ),
  };
}
