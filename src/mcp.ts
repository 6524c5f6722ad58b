// `pawl/mcp`: the runs of a pawl as tools of the Model Context Protocol.
export { mcpServer } from './mcp/server.ts';
export { mcpHandler } from './mcp/handler.ts';
export type { McpOptions } from './mcp/server.ts';
export type { McpHandlerOptions } from './mcp/handler.ts';
export { hideFields } from './dashboard/redaction.ts';
