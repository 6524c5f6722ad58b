/**
 * What an event is about, in a few words for its row: the step, node, signal or child it names, and how that went. What
 * stands in a log may have been written by any version of pawl, so nothing is taken for granted.
 */
import type { RunEvent } from '../core/event.ts';
import { lossWords } from './loss-words.ts';
import { count, shortWorker } from './parts.ts';
import { spanText } from './times.ts';
import { inLine } from './words.ts';

export interface EventWords {
  /** The step, node, signal, child or field that it names; empty for none. */
  readonly name: string;
  /** How it went; empty when the type says it all. */
  readonly said: string;
  readonly tone: 'good' | 'bad' | 'turn' | 'plain';
  /** The id of the run that it leads to. */
  readonly run?: string;
}

type Data = Readonly<Record<string, unknown>>;
type Said = (data: Data, event: RunEvent) => Partial<EventWords>;

const briefLength = 80;

/** A value in one short line. */
function brief(value: unknown): string {
  if (typeof value !== 'string') return inLine(value, briefLength);
  return value.length > briefLength ? `${value.slice(0, briefLength)}…` : value;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function namesOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(textOf).filter((one) => one !== '') : [];
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((one) => one !== undefined && one !== '').join(' · ');
}

export function errorWords(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { name, message } = error as Data;
  return [textOf(name), brief(textOf(message))].filter((one) => one !== '').join(': ');
}

function attemptsOf({ attempts }: Data): string | undefined {
  return typeof attempts === 'number' && attempts > 1 ? `attempt ${attempts}` : undefined;
}

function msOf({ ms }: Data): string | undefined {
  return typeof ms === 'number' ? spanText(ms) : undefined;
}

function byWhom({ actor, reason }: Data): string {
  return joined(
    textOf(actor) === '' ? undefined : `by ${textOf(actor)}`,
    textOf(reason) === '' ? undefined : brief(reason),
  );
}

const named: Said = ({ name }) => ({ name: textOf(name) });

function nextNodes({ next }: Data): string {
  const nodes = Array.isArray(next) ? next.map((task: Data) => textOf(task['node'])) : [];
  return nodes.length === 0 ? '' : `next: ${brief(nodes.join(', '))}`;
}

function signalWords(data: Data): Partial<EventWords> {
  const { name, key, actor, wait, payload } = data;
  return {
    name: textOf(name),
    said: joined(
      textOf(key) === '' ? undefined : `key ${textOf(key)}`,
      textOf(wait) === '' ? undefined : `for ${textOf(wait)}`,
      textOf(actor) === '' ? undefined : `by ${textOf(actor)}`,
      payload === undefined ? undefined : brief(payload),
    ),
  };
}

function childWords(data: Data): Partial<EventWords> {
  const { name, run, status, error } = data;
  return {
    name: textOf(name) || textOf(run),
    said: joined(textOf(name) === '' ? undefined : textOf(run), textOf(status), errorWords(error)),
    ...(textOf(run) === '' ? {} : { run: textOf(run) }),
    ...(status === 'failed' ? { tone: 'bad' } : {}),
  };
}

const types: Readonly<Record<string, Said>> = {
  'run.created': ({ workflow, forkedFrom }) => {
    const from = forkedFrom as Data | undefined;
    if (from === undefined) return { name: textOf(workflow) };
    const run = textOf(from['run']);
    return { name: textOf(workflow), said: `forked from ${run} at ${String(from['seq'])}`, run };
  },
  'run.claimed': ({ worker, takeover }) => {
    const by = shortWorker(textOf(worker));
    if (typeof takeover !== 'object' || takeover === null) {
      return { said: `claimed by ${by}`, tone: 'turn' };
    }
    const { from, reason, detectMs, claimMs } = takeover as Data;
    const noticed = `noticed after ${spanText(Number(detectMs))}, claimed ${spanText(Number(claimMs))} later`;
    return {
      said: `taken over by ${by} from ${shortWorker(textOf(from))}: ${lossWords(textOf(reason))}, ${noticed}`,
      tone: 'turn',
    };
  },
  'run.interrupted': ({ worker, reason }) => ({
    said: `lost its worker ${shortWorker(textOf(worker))}: ${lossWords(textOf(reason))}`,
    tone: 'bad',
  }),
  'run.resumed': ({ replayed, replayMs }) => ({
    said: `${count(Number(replayed), 'event')} folded in ${spanText(Number(replayMs))}`,
  }),
  'run.rewound': ({ acknowledgedSeq, foundSeq }) => ({
    said: `Redis came back with event ${String(foundSeq)} of ${String(acknowledgedSeq)}`,
    tone: 'bad',
  }),
  'run.retried': (data) => ({
    said: joined(attemptsOf(data), errorWords(data['error'])),
    tone: 'bad',
  }),
  'run.failed': ({ error }) => ({ said: errorWords(error), tone: 'bad' }),
  'run.quarantined': ({ error, losses }) => ({
    said:
      errorWords(error) || (typeof losses === 'number' ? `${count(losses, 'worker')} lost` : ''),
    tone: 'bad',
  }),
  'run.completed': () => ({ tone: 'good' }),
  'run.cancelling': (data) => ({ said: byWhom(data) }),
  'run.cancelled': (data) => ({ said: byWhom(data) }),
  'operator.paused': (data) => ({ said: byWhom(data) }),
  'operator.resumed': (data) => ({ said: byWhom(data) }),
  'operator.retried': (data) => ({ said: byWhom(data) }),
  'state.set': ({ patch }) => ({ name: brief(Object.keys(patch ?? {}).join(', ')) }),
  'step.completed': (data) => ({
    name: textOf(data['name']),
    said: joined(
      msOf(data),
      attemptsOf(data),
      data['result'] === undefined || data['result'] === null ? undefined : brief(data['result']),
    ),
    tone: 'good',
  }),
  'step.failed': (data) => ({
    name: textOf(data['name']),
    said: joined('failed', msOf(data), attemptsOf(data), errorWords(data['error'])),
    tone: 'bad',
  }),
  'step.retried': (data, { at }) => ({
    name: textOf(data['name']),
    said: joined(
      msOf(data),
      `attempt ${String(data['attempts'])} failed, again in ${spanText(Number(data['dueAt']) - at.getTime())}`,
      errorWords(data['error']),
    ),
    tone: 'bad',
  }),
  'step.forgotten': ({ names }) => ({ name: brief(namesOf(names).join(', ')) }),
  'timer.set': ({ name, dueAt }, { at }) => ({
    name: textOf(name),
    said: `over in ${spanText(Number(dueAt) - at.getTime())}`,
  }),
  'wait.withdrawn': named,
  'signal.received': signalWords,
  'signal.refused': (data) => ({ ...signalWords(data), said: brief(data['reason']), tone: 'bad' }),
  'child.starting': childWords,
  'child.started': childWords,
  'child.ended': childWords,
  'child.refused': (data) => ({
    name: textOf(data['name']),
    said: errorWords(data['error']),
    tone: 'bad',
  }),
  'effect.begun': named,
  'effect.doubted': ({ name }) => ({ name: textOf(name), said: 'a person is asked', tone: 'bad' }),
  'checkpoint.saved': ({ label, node }) => ({ name: textOf(label) || textOf(node) }),
  'node.scheduled': (data) => ({ said: nextNodes(data) }),
  'node.completed': (data) => ({
    name: textOf(data['node']),
    said: joined(`visit ${String(data['visit'])}`, nextNodes(data)),
    tone: 'good',
  }),
};

export function eventWords(event: RunEvent): EventWords {
  const plain = { name: '', said: '', tone: 'plain' } as const;
  const { type, data } = event;
  const said = Object.hasOwn(types, type) ? types[type] : undefined;
  if (said === undefined) return { ...plain, said: brief(data) };
  return { ...plain, ...said((data ?? {}) as Data, event) };
}
