/**
 * Named points at which a worker process dies: before a script of pawl is sent to Redis, and after its answer has come
 * but before the caller has seen it. These are all the places at which a crash can leave something behind, because
 * nothing else is written.
 */
import { type Command, Redis } from 'ioredis';
import { lua } from '../../../src/redis/lua.gen.ts';
import { ScriptCommand } from '../../../src/redis/script-command.ts';

export interface CrashPoint {
  readonly script: string;
  readonly when: 'before' | 'after';
  /** Dies at this call, counted from 1. */
  readonly call: number;
}

/** Names of all scripts. */
export const scripts: readonly string[] = Object.keys(lua);

let armed: { readonly point: CrashPoint; left: number } | undefined;

/** Undefined: the process lives on. */
export function armCrashPoint(point: CrashPoint | undefined): void {
  armed = point === undefined ? undefined : { point, left: point.call };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Puts the crash points into every connection of this process. */
export function installCrashPoints(): void {
  type Send = Redis['sendCommand'];
  const send: Send = Reflect.get(Redis.prototype, 'sendCommand');
  const watched: Send = function watched(this: Redis, command, ...rest) {
    if (armed === undefined || scriptOf(command) !== armed.point.script) {
      return send.call(this, command, ...rest);
    }
    armed.left -= 1;
    if (armed.left > 0) return send.call(this, command, ...rest);
    if (armed.point.when === 'before') die();
    const answer = send.call(this, command, ...rest);
    // Registered before the caller can: it runs first. An error reply was no call, the script is sent again after it.
    command.promise.then(die, () => undefined);
    return answer;
  };
  Redis.prototype.sendCommand = watched;
}

function scriptOf(command: Command): string | undefined {
  return command instanceof ScriptCommand ? command.script.name : undefined;
}
