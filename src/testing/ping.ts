import { connect } from 'node:net';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Pause between two tries, and the longest wait for one answer. */
const retryMs = 20;
const answerMsMax = 1000;

/**
 * Resolves when the server at `address` answers PING, rejects after `msMax` or when `gone` aborts.
 *
 * Written on a bare socket, so that it says when the server is ready whatever a client would make of its first answers.
 */
export async function waitForRedis(
  address: RedisAddress,
  msMax: number,
  gone?: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    // A server that reads its files answers -LOADING; one that asks for a password is up.
    const answer = await ask(address, 'PING', /^(\+PONG|-NOAUTH)/);
    if (answer.matched) return;
    if (gone?.aborted === true) throw new Error('The server has ended.');
    if (performance.now() - startedAt > msMax) {
      throw new Error(`No Redis answers at ${address.host}:${address.port}: ${answer.text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** The process id of the server at `address`, by its own word. */
export async function redisProcessId(
  address: RedisAddress,
  password: string | undefined,
): Promise<number | undefined> {
  const login = password === undefined ? '' : `AUTH "${password}"\r\n`;
  const answer = await ask(address, `${login}INFO server`, /\nprocess_id:(\d+)\r/);
  return answer.matched ? Number(answer.group) : undefined;
}

interface Answer {
  readonly matched: boolean;
  readonly group?: string | undefined;
  /** The answer, or what went wrong. */
  readonly text: string;
}

/** Sends a command and reads until `pattern` matches, the server is silent for a while, or an error comes. */
function ask({ host, port }: RedisAddress, command: string, pattern: RegExp): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port });
    const finish = (answer: Answer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(answerMsMax, () => finish({ matched: false, text: text || 'no answer' }));
    socket.on('error', (error) => finish({ matched: false, text: error.message }));
    socket.on('close', () => finish({ matched: false, text: 'the connection was closed' }));
    socket.on('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const match = pattern.exec(text);
      if (match !== null) finish({ matched: true, group: match[1], text });
      else if (text.startsWith('-') && text.endsWith('\r\n')) finish({ matched: false, text });
    });
  });
}
