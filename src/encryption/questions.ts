/** Questions and replies whose payloads are sealed. Ids, names and times are not. */
import type { Cipher } from '../core/cipher.ts';
import type {
  OpenQuestion,
  QuestionOutcome,
  QuestionParams,
  Questions,
  ReplyParams,
} from '../core/questions.ts';
import { questionPlace, replyPlace } from './places.ts';

export class EncryptedQuestions implements Questions {
  readonly #questions: Questions;
  readonly #cipher: Cipher;

  constructor(questions: Questions, cipher: Cipher) {
    this.#questions = questions;
    this.#cipher = cipher;
  }

  put(params: QuestionParams): Promise<QuestionOutcome> {
    const data = this.#cipher.seal(params.data, questionPlace(params.run, params));
    return this.#questions.put({ ...params, data });
  }

  async open(run: string): Promise<readonly OpenQuestion[]> {
    const open = await this.#questions.open(run);
    return open.map((question) => {
      const data = this.#cipher.open(question.data, [questionPlace(run, question)]);
      return { ...question, data };
    });
  }

  reply(params: ReplyParams): Promise<'replied' | 'gone' | 'fenced'> {
    const data = this.#cipher.seal(params.data, replyPlace(params.run, params.id));
    return this.#questions.reply({ ...params, data });
  }

  async readReply(run: string, id: string): Promise<Uint8Array | undefined> {
    const data = await this.#questions.readReply(run, id);
    return data && this.#cipher.open(data, [replyPlace(run, id)]);
  }

  withdraw(run: string, id: string): Promise<void> {
    return this.#questions.withdraw(run, id);
  }
}
