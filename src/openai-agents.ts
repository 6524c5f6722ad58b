// `pawl/openai-agents`: agents of OpenAI's SDK whose calls and sessions survive the death of their process.
export { durableAgent } from './openai-agents/agent.ts';
export type { DurableAgent, DurableAgentOptions } from './openai-agents/agent.ts';
export { stepOf } from './openai-agents/tools.ts';
export { PawlSession } from './openai-agents/session.ts';
export type { PawlSessionOptions } from './openai-agents/session.ts';
export { approvalSchema } from './agents/approval.ts';
export type { ApprovalOptions, ToolOptions } from './agents/approval.ts';
export type { AgentContext, AgentStep } from './agents/context.ts';

// Its answers, for pages.
export { serveAnswers, uiMessageResponse, uiMessageStream } from './ai/ui-stream.ts';
export type {
  AnswerFailure,
  AnsweringRun,
  AnswerOptions,
  FoundAnswer,
  ServeAnswersOptions,
} from './ai/ui-stream.ts';
export type { UiChunk } from './ai/ui-chunks.ts';
