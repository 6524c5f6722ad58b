/** Runs the command of one step. Its output goes to a file, since a night has more than anybody reads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { provideNode } from './nodes.ts';
import type { Step } from './steps.ts';

export interface Played {
  readonly ms: number;
  readonly passed: boolean;
  readonly figures: string;
  /** Everything that the command printed. */
  readonly log: string;
}

export async function play(
  step: Step,
  {
    seed,
    scale,
    folder,
  }: { readonly seed: number; readonly scale: number; readonly folder: string },
): Promise<Played> {
  const { args, env, node } = step.command(seed, scale);
  const log = join(folder, `${step.name}.log`);
  await mkdir(folder, { recursive: true });
  const began = performance.now();
  const binary = node === undefined ? process.execPath : await provideNode(node);
  const file = createWriteStream(log);
  const child = spawn(binary, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...env,
      NO_COLOR: '1',
      // What a test starts as `node` or `npm` is this Node as well.
      PATH: [dirname(binary), process.env['PATH'] ?? ''].join(delimiter),
    },
  });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
      file.write(text);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  file.end();
  await finished(file);
  const ms = performance.now() - began;
  try {
    return { ms, log, figures: step.figures(printed.stdout, printed.stderr), passed: code === 0 };
  } catch {
    return { ms, log, figures: 'no report', passed: false };
  }
}
