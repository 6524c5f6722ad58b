/** What an answer to a question changes of its run: see `answers.ts`. A crash before its commit leaves nothing of it. */
import { canonical, encode } from '../../core/codec.ts';
import { DefinitionError, InvalidError, LimitError } from '../../core/errors.ts';
import { fixedLimits, type Limits } from '../../core/limits.ts';
import { isPlainObject } from '../../core/plain-copy.ts';
import type { RunScope } from './scope.ts';
import { eventWrite, stepSetWrite, type Write } from './writes.ts';

/** Of a commit that keeps a reply: what is set, and the reply. */
const writesOfReply = 2;

/** What one answer changes: nothing of it is written before the answer is made. */
export class AnswerChange {
  readonly #scope: RunScope;
  readonly #limits: Limits;
  readonly #name: string;
  readonly #events: Write[] = [];
  #patch: Record<string, unknown> | undefined;
  #isClosed = false;

  constructor(scope: RunScope, limits: Limits, name: string) {
    this.#scope = scope;
    this.#limits = limits;
    this.#name = JSON.stringify(name);
  }

  readonly emit = (type: string, data: unknown): void => {
    this.#mustBeOpen();
    const limit = fixedLimits.eventsPerCommit - writesOfReply;
    if (this.#events.length >= limit) {
      throw new LimitError(`events of the answer to ${this.#name}`, limit, this.#events.length + 1);
    }
    const { workflow } = this.#scope;
    this.#events.push(eventWrite(workflow, this.#limits, { type, data }));
  };

  readonly set = (patch: Record<string, unknown>): void => {
    this.#mustBeOpen();
    if (!isPlainObject(patch)) throw new InvalidError('patch', 'must be an object.');
    // As it is now, whatever the answer makes of its objects afterwards.
    const copy = canonical(patch, encode(patch, 'state', this.#limits.eventBytes));
    this.#patch = { ...this.#patch, ...(copy as typeof patch) };
  };

  /** The events, and what is set after them, as the state is now. Nothing is added later. */
  close(): readonly Write[] {
    this.#isClosed = true;
    if (this.#patch === undefined) return this.#events;
    const { workflow, fold } = this.#scope;
    const at = { state: fold.state, before: this.#events };
    return [...this.#events, stepSetWrite(workflow, this.#limits, at, this.#patch)];
  }

  #mustBeOpen(): void {
    if (!this.#isClosed) return;
    throw new DefinitionError(`The answer to ${this.#name} has returned: it changes nothing more.`);
  }
}
