// `pawl/ai`: agents of the AI SDK, versions 6 and 7, whose calls and answers survive the death of their process.
export { durableAgent } from './ai/agent.ts';
export type { DurableAgent, DurableAgentOptions, Middleware, Tools } from './ai/agent.ts';
export type { CalledModel } from './ai/model.ts';
export { stepOf } from './ai/tools.ts';
export type { CalledTool } from './ai/tools.ts';
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
export { resumableStreams } from './ai/resumable.ts';
export type { ResumableStreamOptions, ResumableStreams } from './ai/resumable.ts';
