/** `pawl runs events` */
import { toTagged } from '../../core/tagged-json.ts';
import type { RunEvent } from '../../core/event.ts';
import type { RunInfo } from '../../engine/runs/run-info.ts';
import type { Pawl } from '../../pawl.ts';
import { findRun, toCount } from '../given.ts';
import { brief, inline } from '../print.ts';
import { type Add, inShell, type Shell } from '../shell.ts';

interface EventFlags {
  readonly from: number;
  readonly limit?: number;
  readonly type?: string;
  readonly follow?: boolean;
  readonly full?: boolean;
}

export const addEvents: Add = (runs, signal) => {
  runs
    .command('events')
    .description('The log of a run; with --json, one event a line.')
    .argument('<run>')
    .option('--from <seq>', 'begin at this event', toCount, 1)
    .option('--limit <n>', 'how many at most', toCount)
    .option('--type <pattern>', "only these: 'step.*'")
    .option('--follow', 'go on as events come, until the run has ended')
    .option('--full', 'whole payloads')
    .action(
      inShell(signal, (shell, given: string, flags: EventFlags) => events(shell, given, flags)),
    );
};

async function events(shell: Shell, given: string, flags: EventFlags): Promise<void> {
  const run = await findRun(shell, given);
  const pawl = await shell.pawl();
  const after = flags.from - 1;
  const all =
    flags.follow === true
      ? pawl.run(run.id).events({ after, signal: shell.signal })
      : eventsUntilNow(pawl, run, after);
  let left = flags.limit ?? Infinity;
  let isEmpty = true;
  const fits = toPattern(flags.type);
  for await (const event of all) {
    if (!fits(event.type)) continue;
    shell.showLine({ ...event, data: toTagged(event.data) }, () => line(shell, event, flags.full));
    isEmpty = false;
    left -= 1;
    if (left === 0 || shell.signal.aborted) return;
  }
  if (!isEmpty) return;
  const which = flags.type === undefined ? '' : ` of type ${flags.type}`;
  shell.say(
    `Run ${run.id} has no event${which} from seq ${flags.from} on; it has ${run.seq} in all.`,
  );
}

/** The events that were there when the record was read. */
export async function* eventsUntilNow(
  pawl: Pawl,
  run: RunInfo,
  after = 0,
): AsyncGenerator<RunEvent, void, undefined> {
  if (after >= run.seq) return;
  for await (const event of pawl.run(run.id).events({ after })) {
    yield event;
    if (event.seq >= run.seq) return;
  }
}

function toPattern(text: string | undefined): (type: string) => boolean {
  if (text === undefined) return () => true;
  const parts = text
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  const pattern = new RegExp(`^${parts.join('.*')}$`);
  return (type) => pattern.test(type);
}

const seqWidth = 6;
const typeWidth = 18;

function line(
  { color }: Shell,
  { seq, type, at, data }: RunEvent,
  full: boolean | undefined,
): string {
  const head = `${String(seq).padStart(seqWidth)}  ${color.dim(at.toISOString())}`;
  const said = full === true ? inline(data) : brief(data);
  return `${head}  ${color.cyan(type.padEnd(typeWidth))}  ${said}`.trimEnd();
}
