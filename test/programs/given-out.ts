/** What must hold of what a run has given out: by its chunks, its log, and what was acknowledged to its bodies. */
import { decode } from '../../src/core/codec.ts';
import type { RunEvent } from '../../src/core/event.ts';
import type { RunStore } from '../../src/core/store.ts';
import {
  chunksOf,
  misplacedChunks,
  valuesGivenOut,
} from '../../src/testing/crash-test/given-out.ts';
import type { Part, Program } from './program.ts';
import { ofNode, type Witness } from './witness.ts';

/** A chunk of a program: which one of its step, and a mark that no other one has. */
export interface Said {
  readonly i: number;
  readonly mark: string;
}

type Talk = Extract<Part, { kind: 'talk' }>;

/** The parts of a program that give something out, however deep. Children give out by themselves. */
function talksOf(parts: readonly Part[]): Talk[] {
  return parts.flatMap((part) => {
    if (part.kind === 'talk') return [part];
    return 'of' in part && part.kind !== 'child' ? talksOf(part.of) : [];
  });
}

export async function judgeOutput(
  store: Pick<RunStore, 'outputs'>,
  run: { readonly id: string; events(): AsyncIterable<RunEvent> },
  { parts }: Program,
  witness: Witness,
): Promise<string[]> {
  const chunks = await chunksOf(store, run.id);
  const problems = misplacedChunks(chunks);
  if (chunks.length > 0 && chunks[0]?.number !== 1) problems.push('the first chunk is gone');
  // A run that was forgotten back to an earlier time may lack what it had acknowledged, and only that is not wrong.
  if (witness.isRewound(run.id)) return problems;
  const said = new Set(chunks.map(({ data }) => (decode(data, { key: 'fuzz' }) as Said).mark));
  for (const mark of witness.acknowledgedChunks(run.id)) {
    if (!said.has(mark)) problems.push(`chunk ${mark} was acknowledged, and is not there`);
  }
  const completed = new Set<string>();
  for await (const { type, data } of run.events()) {
    if (type === 'step.completed')
      completed.add((data as { name: string }).name.replace(ofNode, ''));
  }
  const { default: bySteps = {} } = valuesGivenOut(chunks);
  const left = new Map(
    Object.entries(bySteps).map(([step, all]) => [step.replace(ofNode, ''), all]),
  );
  for (const { name, chunks: count } of talksOf(parts)) {
    if (!completed.has(name)) continue;
    const found = (left.get(name) ?? []).map((value) => (value as Said).i).join(' ');
    const wanted = Array.from({ length: count }, (_, i) => i).join(' ');
    if (found !== wanted) problems.push(`${name} gave out "${found}", not "${wanted}"`);
  }
  return problems;
}
