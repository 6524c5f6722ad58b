/** The parent's side of a contender's process. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Arena, Samples } from './workload.ts';

const main = fileURLToPath(new URL('contender-main.js', import.meta.url));

export class ContenderProcess {
  readonly name: string;
  readonly #child: ChildProcess;

  /** `program`: the `contender-main.js` of another build. */
  constructor(
    workload: string,
    contender: string,
    profileDir: string | undefined,
    program: string = main,
  ) {
    this.name = contender;
    const profiling =
      profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
    this.#child = fork(program, [workload, contender], {
      execArgv: ['--expose-gc', ...profiling],
      // Whatever a contender prints must not get between the lines of the result.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
  }

  /** One round. Rejects when the contender failed, ended, or took longer than `limitMs`. */
  async measure(arena: Arena, limitMs: number): Promise<Samples> {
    const settled = new AbortController();
    const late = setTimeout(() => settled.abort(), limitMs);
    try {
      const { signal } = settled;
      const ended = once(this.#child, 'exit', { signal }).then(() => [{ error: 'ended' }]);
      const answered = once(this.#child, 'message', { signal });
      this.#child.send(arena);
      const [answer] = (await Promise.race([answered, ended])) as [
        { samples?: Samples; error?: string },
      ];
      if (answer.samples !== undefined) return answer.samples;
      throw new Error(`${this.name}: ${answer.error}`);
    } catch (error) {
      if (!settled.signal.aborted) throw error;
      throw new Error(`${this.name}: not done in ${limitMs} ms`, { cause: error });
    } finally {
      clearTimeout(late);
      settled.abort();
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    this.#child.disconnect();
    await gone;
    clearTimeout(impatient);
  }
}
