/** The command line of the demo. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface Options {
  readonly runs: number;
  readonly workers: number;
  readonly kills: number;
  readonly seed: number;
  readonly redis: string | undefined;
  /** Workers as threads over memory, as where no Redis can be had. */
  readonly threads: boolean;
  readonly json: boolean;
}

export const usage = `Replays recorded conversations of an agent on several worker processes,
kills some of them, and checks that nothing was lost, doubled or written by a dead worker.

Usage: npm run demo -- [options]

  --runs N      conversations to replay, 1-2000 (default 40; there are 200, then they come again)
  --workers N   worker processes, 1-16 (default 3)
  --kills N     how many of them get a SIGKILL, 0-200 (default 8); needs 2 workers
  --seed N      repeats the choices of another time: which worker, and when (default random)
  --redis URL   a Redis that runs already (default: PAWL_REDIS_URL, REDIS_URL, or one is started),
                any node of a Redis Cluster too, or redis+cluster://host:port,host:port
  --threads     workers as threads over the memory of one process, as where no Redis can be had;
                they are terminated, and nothing is durable
  --json        prints the verdict as one JSON document; all else goes to stderr
  --help        prints this

Ends with 0 when the verdict is good, 1 when it is not, 2 when an option is wrong.
`;

/** A wrong command line: the message says what to write instead. */
export class UsageError extends Error {}

/** Reads the command line; undefined when help was asked for. */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const options = {
    runs: whole('--runs', values.runs, { min: 1, max: 2000 }),
    workers: whole('--workers', values.workers, { min: 1, max: 16 }),
    kills: whole('--kills', values.kills, { min: 0, max: 200 }),
    seed:
      values.seed === undefined
        ? randomInt(2 ** 32)
        : whole('--seed', values.seed, { min: 0, max: 2 ** 32 - 1 }),
    redis: redisUrl(values.redis),
    threads: values.threads ?? false,
    json: values.json ?? false,
  };
  if (options.threads && options.redis !== undefined) {
    throw new UsageError('--threads needs no --redis: leave one of them out.');
  }
  if (options.kills > 0 && options.workers < 2) {
    throw new UsageError('--kills needs --workers 2 or more: somebody has to take over.');
  }
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string', default: '40' },
        workers: { type: 'string', default: '3' },
        kills: { type: 'string', default: '8' },
        seed: { type: 'string' },
        redis: { type: 'string' },
        threads: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function whole(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${name} must be a whole number from ${min} to ${max}, it is "${text}".`);
  }
  return value;
}

function redisUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // The text is not repeated, because a URL may hold a password.
  const isSeveral = /^rediss?\+(cluster|sentinel):\/\//.test(text);
  if (!isSeveral && (!URL.canParse(text) || !/^rediss?:$/.test(new URL(text).protocol))) {
    throw new UsageError('--redis must be a URL such as redis://127.0.0.1:6379.');
  }
  return text;
}
