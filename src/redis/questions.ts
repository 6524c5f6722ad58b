/** Questions to runs, and the replies, on Redis. */
import { CorruptionError } from '../core/errors.ts';
import type {
  OpenQuestion,
  QuestionOutcome,
  QuestionParams,
  Questions,
  ReplyParams,
} from '../core/questions.ts';
import type { RedisParts } from './parts.ts';
import { ask } from './scripts/ask.ts';
import { reply } from './scripts/reply.ts';

const newLine = 0x0a;

export class RedisQuestions implements Questions {
  readonly #parts: RedisParts;

  constructor(parts: RedisParts) {
    this.#parts = parts;
  }

  put(params: QuestionParams): Promise<QuestionOutcome> {
    const { scripts, keys, guard } = this.#parts;
    return guard(() => scripts.call(ask, keys.of(params.run), params));
  }

  async open(run: string): Promise<readonly OpenQuestion[]> {
    const { connection, keys, guard } = this.#parts;
    const key = keys.of(run).questions(run);
    const hash = await guard(() => connection.hgetallBuffer(key));
    const open = Object.entries(hash).map(([id, value]) => toQuestion(key, id, value));
    return open.sort((a, b) => a.until - b.until);
  }

  reply(params: ReplyParams): Promise<'replied' | 'gone' | 'fenced'> {
    const { scripts, keys, guard } = this.#parts;
    return guard(() => scripts.call(reply, keys.of(params.run), params));
  }

  async readReply(run: string, id: string): Promise<Uint8Array | undefined> {
    const { connection, keys, guard } = this.#parts;
    const bytes = await guard(() => connection.getBuffer(keys.of(run).reply(run, id)));
    return bytes ?? undefined;
  }

  async withdraw(run: string, id: string): Promise<void> {
    const { connection, keys, guard } = this.#parts;
    await guard(() => connection.hdel(keys.of(run).questions(run), id));
  }
}

/** See `lua/parts/questions.lua`. */
function toQuestion(key: string, id: string, value: Buffer): OpenQuestion {
  const first = value.indexOf(newLine);
  const second = value.indexOf(newLine, first + 1);
  const until = Number(value.subarray(0, Math.max(0, first)).toString());
  if (first < 1 || second < 0 || !Number.isSafeInteger(until)) {
    throw new CorruptionError({ key }, `holds something that is no question, ${id}`);
  }
  const name = value.subarray(first + 1, second).toString();
  return { id, name, until, data: value.subarray(second + 1) };
}
