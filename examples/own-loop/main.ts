/** `npm run example -- own-loop`: a loop without workflow and worker is killed at page 5; another process goes on there. */
import type { Stage } from '../support/stage.ts';
import { WorkerProcess } from '../support/worker.ts';

const program = new URL('./loop-process.js', import.meta.url);
const run = 'crawl-1';
const resultMsMax = 30_000;

export async function main(stage: Stage): Promise<void> {
  const { checkpointer } = stage.pawl;
  let onPage: () => void = () => undefined;
  const reading = new Promise<void>((resolve) => {
    onPage = resolve;
  });
  const onLine = (line: string): void => {
    if (line === 'read page-5') onPage();
  };
  const first = await WorkerProcess.start(stage, { label: 'worker 1', program, onLine });
  await reading;
  await first.kill();
  stage.say('worker 1 was killed (SIGKILL); another process goes on');
  const { seq = 0 } = (await checkpointer.info(run)) ?? {};

  const second = await WorkerProcess.start(stage, { label: 'worker 2', program });
  const result = await stage.pawl.run(run).result({ timeoutMs: resultMsMax });
  await second.stop();
  stage.say(`result: ${JSON.stringify(result)}`);
  const kept: string[] = [];
  for await (const { type, data } of checkpointer.listEvents(run, { limit: seq })) {
    if (type === 'page.read') kept.push((data as { page: string }).page);
  }
  stage.say(`kept: ${kept.join(', ')}`);
  stage.say(`ran again: ${first.lines.filter((line) => second.lines.includes(line)).join(', ')}`);

  stage.say('\nIts checkpoints, the newest first:');
  for (const { id, at, node, label } of await checkpointer.checkpoints(run)) {
    const { todo } = await checkpointer.loadCheckpoint<{ todo: readonly string[] }>(run, id);
    stage.say(`  ${at.toISOString()} ${node} "${label}", next: ${todo[0] ?? 'nothing'}`);
  }
}
