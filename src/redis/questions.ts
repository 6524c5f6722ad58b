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
    const open = Object.entries(hash).map(([field, value]) => toQuestion(key, field, value));
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
    const key = keys.of(run).questions(run);
    // A question keeps its field, so nothing is lost between the two calls.
    const fields = await guard(() => connection.hkeys(key));
    const field = fields.find((one) => one.endsWith(` ${id}`));
    if (field !== undefined) await guard(() => connection.hdel(key, field));
  }
}

/** See `lua/parts/questions.lua`. */
function toQuestion(key: string, field: string, value: Buffer): OpenQuestion {
  const [, until = '', id = ''] = /^(\d{1,16}) (.+)$/.exec(field) ?? [];
  const end = value.indexOf(newLine);
  if (id === '' || end < 0) {
    throw new CorruptionError({ key }, `holds something that is no question, ${field}`);
  }
  const name = value.subarray(0, end).toString();
  return { id, name, until: Number(until), data: value.subarray(end + 1) };
}
