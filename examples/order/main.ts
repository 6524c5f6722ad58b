/** `npm run example -- order`: three orders, each loses its worker in another state; and one whose state never goes back. */
import { killAndResume } from '../support/kill-and-resume.ts';
import type { Stage } from '../support/stage.ts';
import { straightOrder } from './straight.ts';
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
  stage.say('\nAn order from top to bottom, whose worker dies when it is shipped:');
  const { run } = await killAndResume(stage, {
    workflow: straightOrder,
    module: new URL('./straight.js', import.meta.url),
    input: { id: 'order-straight', cents: 4200 },
    killAt: 'tell the customer',
  });
  const states: string[] = [];
  for await (const { type, data } of run.events()) {
    const { patch } = data as { readonly patch?: { readonly status?: string } };
    if (type === 'state.set' && patch?.status !== undefined) states.push(patch.status);
  }
  stage.say(`its states: ${states.join(' > ')}`);
}
