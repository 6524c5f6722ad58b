/**
 * The parts of frameworks that the recipes use, for the compiler, so these recipes are compiled and not run. Nest is here
 * with the decorators of the language, beside its own.
 */

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
  export function Controller(): ClassMark;
  export function Post(path: string): (target: object, name: string, method: object) => void;
  export function Body(): (target: object, name: string, index: number) => void;
}

declare module '@ai-sdk/openai' {
  import type { wrapLanguageModel } from 'ai';
  type Model = Parameters<typeof wrapLanguageModel>[0]['model'];
  export function openai(model: string): Model;
}
