/** The two ways to start a worker of the demo: a process over Redis, a thread over memory. */
import { fork } from 'node:child_process';
import type { PawlThreads } from 'pawl/testing';
import { graceMs, type Report } from './worker-work.ts';

/** A worker that was started. */
export interface Launched {
  /** Of its process, or of its thread. */
  readonly pid: number;
  /** Ends it at once, in the middle of whatever it does: SIGKILL, or `terminate`. */
  kill(): void;
  /** Lets it hand its runs back. */
  end(): void;
  /** Resolves with how it has ended. */
  readonly gone: Promise<string>;
}

export type Launch = (hear: (report: Report) => void) => Launched;

const errorsKept = 2000;

/** Workers as processes, over a Redis. */
export function processes(redis: string, prefix: string): Launch {
  return (hear) => {
    const child = fork(new URL('./worker-process.js', import.meta.url), {
      // In the environment, because everybody can read the arguments of a process, and a URL may
      // hold a password.
      env: { ...process.env, PAWL_DEMO_REDIS: redis, PAWL_DEMO_PREFIX: prefix },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errors = '';
    child.stderr?.on('data', (data: Buffer) => {
      errors = (errors + data.toString()).slice(-errorsKept);
    });
    child.on('message', (report) => hear(report as Report));
    const told = (how: string): string => (errors === '' ? how : `${how}\n${errors.trim()}`);
    return {
      pid: child.pid ?? 0,
      kill: () => child.kill('SIGKILL'),
      end: () => child.kill('SIGTERM'),
      gone: new Promise((resolve) => {
        child.once('error', (error) => resolve(told(error.message)));
        child.once('exit', (code, signal) => resolve(told(String(signal ?? code))));
      }),
    };
  };
}

/** Workers as threads, over the memory of this process. */
export function threadsOf(threads: PawlThreads): Launch {
  return (hear) => {
    const thread = threads.start(new URL('./worker-thread.js', import.meta.url));
    thread.worker.on('message', hear);
    return {
      pid: thread.worker.threadId,
      kill: () => void thread.terminate(),
      end: () => void thread.close({ graceMs }),
      gone: thread.ended.then(({ code, error }) =>
        error instanceof Error ? `${error.name}: ${error.message}` : `code ${code}`,
      ),
    };
  };
}
