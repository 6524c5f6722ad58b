/**
 * The parts of frameworks that the recipes use, for the compiler. The frameworks themselves are not installed here, so
 * these recipes are compiled and not run.
 */

declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Request extends IncomingMessage {
    readonly params: Readonly<Record<string, string>>;
    readonly body: unknown;
    readonly originalUrl: string;
  }
  interface Response extends ServerResponse {
    status(code: number): Response;
    json(value: unknown): Response;
  }
  type Handler = (request: Request, response: Response) => unknown;
  interface Express {
    use(handler: unknown): void;
    use(path: string, handler: unknown): void;
    get(path: string, handler: Handler): void;
    post(path: string, handler: Handler): void;
    listen(port: number): void;
  }
  const express: { (): Express; json(): unknown };
  export = express;
}

declare module 'fastify' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Request {
    readonly params: unknown;
    readonly body: unknown;
    readonly raw: IncomingMessage;
  }
  interface Reply {
    readonly raw: ServerResponse;
    code(status: number): Reply;
    send(value: unknown): Reply;
    hijack(): void;
  }
  type Handler = (request: Request, reply: Reply) => unknown;
  interface Fastify {
    post(path: string, handler: Handler): void;
    get(path: string, handler: Handler): void;
    all(path: string, handler: Handler): void;
    addHook(name: 'onClose', hook: () => Promise<void>): void;
    listen(options: { readonly port: number; readonly host?: string }): Promise<string>;
  }
  function fastify(): Fastify;
  export = fastify;
}

declare module '@nestjs/common' {
  type ClassMark = (target: new (...args: never) => unknown, context?: unknown) => void;
  type MethodMark = (target: object, context?: unknown) => void;
  export interface OnApplicationShutdown {
    onApplicationShutdown(): Promise<void>;
  }
  export interface OnModuleInit {
    onModuleInit(): Promise<void> | void;
  }
  export function Injectable(): ClassMark;
  export function Module(options: object): ClassMark;
}

declare module '@bull-board/api' {
  export function createBullBoard(options: object): void;
}
declare module '@bull-board/api/bullMQAdapter' {
  export class BullMQAdapter {
    readonly queue: object;
    constructor(queue: object);
  }
}
declare module '@bull-board/express' {
  export class ExpressAdapter {
    setBasePath(path: string): void;
    getRouter(): unknown;
  }
}

declare module 'pino' {
  interface Pino {
    debug(about: object, text: string): void;
    info(about: object, text: string): void;
    warn(about: object, text: string): void;
    error(about: object, text: string): void;
  }
  export function pino(options?: object): Pino;
}

declare module 'ai' {
  interface Message {
    readonly role: 'user' | 'assistant' | 'tool';
    readonly content: unknown;
  }
  interface ToolCall {
    readonly toolCallId: string;
    readonly toolName: string;
    readonly input: unknown;
  }
  export function tool(definition: object): object;
  export function generateText(
    options: object,
  ): Promise<{
    readonly text: string;
    readonly toolCalls: readonly ToolCall[];
    readonly response: { readonly messages: readonly Message[] };
  }>;
  export function streamText(options: object): { readonly textStream: AsyncIterable<string> };
  export type ModelMessage = Message;
}
declare module '@ai-sdk/openai' {
  export function openai(model: string): object;
}
