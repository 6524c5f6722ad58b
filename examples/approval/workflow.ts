/**
 * A deployment that people have to approve. While it waits it costs nothing: no process, no memory, no slot of a worker.
 *
 *   build ──▶ ask the team ──answer──────────────────────────────────────▶ two signatures at once ──▶ deploy
 *                  └────────no answer in time──▶ checkpoint, escalate ──▶ ask the lead ──▲
 */
import { defineQuestion, defineWorkflow } from 'pawl';
import { z } from 'zod';
import { pretend } from '../support/pretend.ts';

const roles = ['security', 'legal'] as const;

/** What the run is about now: asked while it waits, and in no log. */
export const status = defineQuestion({ name: 'status', reply: z.string() });

export const deployment = defineWorkflow({
  name: 'deployment',
  // In life: '2d'. The time is kept in Redis, not in a process, so it may be as long as you like.
  input: z.object({ version: z.string(), patienceMs: z.int().positive() }),
  signals: {
    decision: z.object({ approved: z.boolean(), by: z.string() }),
    signature: z.object({ role: z.enum(roles), name: z.string() }),
  },
  // The role tells two signatures apart that are waited for at the same time.
  signalKeys: { signature: 'role' },
  async run(ctx, { version, patienceMs }) {
    let about = 'builds';
    ctx.answer(status, () => `${version} ${about}`);
    await ctx.step('build', () => pretend(`build ${version}`));
    await ctx.step('ask the team', () => pretend('message to the team: please decide'));

    // An answer that came before this line is taken as well: signals are kept until they are asked for.
    let decision = await ctx.waitFor('decision', { timeout: patienceMs, as: 'team decides' });

    if (decision === undefined) {
      await ctx.checkpoint({ label: 'nobody answered', metadata: { version, patienceMs } });
      await ctx.step('escalate', () => pretend('message to the lead: the team did not decide'));
      // Without a time-out it waits for as long as it takes.
      decision = await ctx.waitFor('decision', { as: 'lead decides' });
    }

    // Without a time-out the wait always ends with a decision; the type cannot know that.
    if (decision?.approved !== true) return { deployed: false, by: decision?.by };

    about = 'waits for signatures';
    // Both are in the inbox now (`pawl inbox`, or the inbox page), each with its label and its form.
    const signatures = await Promise.all(
      roles.map((role) =>
        ctx.waitFor('signature', {
          key: role,
          as: `${role} signs`,
          label: `Sign ${version} for ${role}`,
          form: { role: [role], name: 'text' },
        }),
      ),
    );
    await ctx.step('deploy', () => pretend(`deploy ${version}`));
    return { deployed: true, by: decision.by, signed: signatures.map((one) => one?.name) };
  },
});
