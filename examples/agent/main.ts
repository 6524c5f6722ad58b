/** `npm run example -- agent`: the worker dies while two tools are at work; then the graph is looked at. */
import { toMermaid } from 'pawl';
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { agent } from './workflow.ts';

export async function main(stage: Stage): Promise<void> {
  const { run } = await killAndResume(stage, {
    workflow: agent,
    module: new URL('./workflow.js', import.meta.url),
    input: { question: 'ratchets' },
    killAt: 'read page a2',
  });

  const graph = await run.graph();
  stage.say(`\nsteps: ${graph.steps}, still to do: ${graph.pending.length}`);
  for (const [node, { visits }] of Object.entries(graph.nodes)) {
    stage.say(`  ${node}: ${visits} visits`);
  }
  stage.say(toMermaid(agent, graph));
}
