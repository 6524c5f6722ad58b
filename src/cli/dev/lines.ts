/** What happens in this process, a line each: runs, steps, take-overs and failures. */
import { errorWords } from '../../core/error-words.ts';
import { listen } from '../../engine/diagnostics.ts';
import type { Shell } from '../shell.ts';

/** Ways to let go of a run that are no end of it. */
const quiet: ReadonlySet<string> = new Set(['parked', 'waiting']);

/** Prints until the function returned is called. */
export function printLines(shell: Shell): () => void {
  const say = (event: string, about: object, text: string): void => {
    const time = new Date();
    shell.showLine({ event, at: time, ...about }, () => {
      const { color } = shell;
      return `${color.dim(time.toTimeString().slice(0, 8))} ${text}`;
    });
  };
  const { color } = shell;
  const stops = [
    listen('run:claimed', ({ run, workflow, takeover, replayMs, replayedEvents }) => {
      const about = { run, workflow, takeover };
      if (takeover === undefined) {
        say('run.claimed', about, `${workflow} ${run}`);
        return;
      }
      const { from, reason, detectMs } = takeover;
      const replay = `${replayedEvents} events replayed in ${Math.round(replayMs)} ms`;
      const found = `noticed after ${Math.round(detectMs)} ms`;
      const text = `${workflow} ${run} taken over from ${from} (${reason}, ${found}; ${replay})`;
      say('run.taken-over', about, color.yellow(text));
    }),
    listen('step:ended', ({ run, workflow, step, attempt, outcome, ms, error }) => {
      const words = outcome === 'completed' ? undefined : errorWords(error);
      const about = { run, workflow, step, attempt, outcome, ms, ...words };
      const time = `${Math.round(ms)} ms`;
      const text =
        words === undefined
          ? `  ${run} ${step} ${color.dim(time)}`
          : color.red(`  ${run} ${step} ${outcome} at attempt ${attempt}: ${words.error}`);
      say('step.ended', about, text);
    }),
    listen('run:released', ({ run, workflow, how, error }) => {
      if (error === undefined && quiet.has(how)) return;
      const words = error === undefined ? undefined : errorWords(error);
      const cause = words === undefined ? '' : `: ${words.error}`;
      const text = `${workflow} ${run} ${how}${cause}`;
      const paint = words === undefined ? color.green : color.red;
      say('run.released', { run, workflow, how, ...words }, paint(text));
    }),
    listen('worker:lost', ({ worker, reason, runs }) => {
      say(
        'worker.lost',
        { worker, reason, runs },
        color.yellow(`worker ${worker} lost: ${reason}`),
      );
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
