/**
 * One answer of a run as the AI SDK's UI message stream: which chunks of the output belong to it, and what a page that has
 * seen a half must drop. A function of the chunks alone, so every reader of an answer is told the same, from any process.
 *
 *   nothing ──first chunk──▶ start ─▶ a call of the model ──end of the answer──▶ finish
 *                                       │   ▲      │
 *                 its step begins again │   └──────┘ calls of tools, and the next call of the model
 *                                       ▼
 *                             reset-step, and its chunks again
 *
 * A call of a model that begins again is the newest one: what follows it begins when it is stored. So `reset-step`, which
 * drops the parts of the newest call, is enough. What a tool says again replaces what it has said, by the id of its call.
 *
 * Redis may lose what it had acknowledged, and a long run drops its oldest chunks. Then a page cannot be told what to drop:
 * the stream ends with an error, and a page that asks anew gets what is there.
 */
import { answerMark, modelCall } from '../agents/calls.ts';
import { Pieces } from '../agents/pieces.ts';
import type { OutputChunk } from '../engine/definition/outputs.ts';
import type { UiChunk } from './ui-chunks.ts';

export interface UiAnswerOptions {
  readonly answer: string;
  readonly messageId: string;
  /** The page knows `reset-step`. Else a call of the model is held back until nothing can make it again. */
  readonly resets: boolean;
}

const lostText = 'A part of the answer is not kept any more. Load it again.';

export class UiAnswer {
  readonly #options: UiAnswerOptions;
  readonly #prefix: string;
  readonly #pieces = new Pieces();
  /** Calls of the model that have begun, in their order. */
  readonly #models: string[] = [];
  readonly #known = new Set<string>();
  /** Of the newest call of the model, where they are held back. */
  #held: UiChunk[] = [];
  #isReleased = false;
  #hasBegun = false;
  #isOver = false;
  /** The newest call of the model is made again. */
  #isAgain = false;

  constructor(options: UiAnswerOptions) {
    this.#options = options;
    this.#prefix = `${options.answer}${answerMark}`;
  }

  /** Nothing comes any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a page is told for the next chunk of the output. */
  next({ step, begins, value }: Pick<OutputChunk, 'step' | 'begins' | 'value'>): UiChunk[] {
    if (this.#isOver || !step.startsWith(this.#prefix)) return [];
    const said = this.#start();
    if (!begins && !this.#known.has(step)) return this.#end([...said, lost()]);
    if (begins) {
      const again = this.#begin(step);
      if (again === undefined) return this.#end([...said, lost()]);
      said.push(...again);
    }
    const chunk = this.#pieces.add(step, begins, value) as UiChunk | undefined;
    if (chunk === undefined) return said;
    if (chunk.type === 'finish' || chunk.type === 'error') {
      return this.#end([...said, ...this.#release(), chunk]);
    }
    if (chunk.type === 'start-step' && this.#models.at(-1) === step && this.#isAgain) return said;
    return [...said, ...this.#give(step, chunk)];
  }

  /** What a page is told when nothing comes any more, with the last of it. */
  finish(last: UiChunk): UiChunk[] {
    if (this.#isOver) return [];
    return this.#end([...this.#start(), ...this.#release(), last]);
  }

  #start(): UiChunk[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    return [{ type: 'start', messageId: this.#options.messageId }];
  }

  /** What comes before the chunks of a step that begins; undefined when a page cannot be told. */
  #begin(step: string): UiChunk[] | undefined {
    const isKnown = this.#known.has(step);
    this.#known.add(step);
    const call = step.slice(this.#prefix.length);
    if (!call.startsWith(modelCall)) return this.#release();
    if (!isKnown) {
      // Each is the one after the one before: else chunks in between are gone.
      if (call !== `${modelCall}${this.#models.length}`) return undefined;
      const held = this.#release();
      this.#models.push(step);
      this.#isAgain = false;
      this.#isReleased = false;
      return held;
    }
    if (this.#models.at(-1) !== step) return undefined;
    this.#isAgain = true;
    if (!this.#options.resets) {
      // What was told cannot be taken back.
      if (this.#isReleased) return undefined;
      this.#held = [];
      this.#isAgain = false;
      return [];
    }
    return [{ type: 'reset-step' }];
  }

  #give(step: string, chunk: UiChunk): UiChunk[] {
    if (this.#options.resets || this.#models.at(-1) !== step) return [chunk];
    this.#held.push(chunk);
    return [];
  }

  #release(): UiChunk[] {
    const held = this.#held;
    this.#held = [];
    this.#isReleased = true;
    return held;
  }

  #end(said: UiChunk[]): UiChunk[] {
    this.#isOver = true;
    return said;
  }
}

function lost(): UiChunk {
  return { type: 'error', errorText: lostText };
}
