/** `npm run example -- order`: three orders, each loses its worker in another state. */
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { order } from './workflow.ts';

const kills = [
  { state: 'new', at: 'validate' },
  { state: 'validated', at: 'charge' },
  { state: 'paid', at: 'ship' },
];

export async function main(stage: Stage): Promise<void> {
  for (const { state, at } of kills) {
    stage.say(`\nAn order whose worker dies while it is ${state}:`);
    await killAndResume(stage, {
      workflow: order,
      module: new URL('./workflow.js', import.meta.url),
      input: { id: `order-${state}`, cents: 4200 },
      killAt: at,
    });
  }
}
