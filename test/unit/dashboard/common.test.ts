// Goal: one reader for all who look, whatever their roles are; and nobody is sent what was made for another role. Method:
// streams of people of each role over a store that is counted.
import { expect, test } from 'vitest';
import { defineWorkflow } from 'pawl';
import { dashboard, type DashboardVisitor, hideFields } from 'pawl/dashboard';
import { turnMs } from '../../../src/dashboard/fleet/live-reads.ts';
import { memoryPawl } from '../../support/memory.ts';
import { withMethods } from '../../support/with-methods.ts';

const idle = defineWorkflow({ name: 'idle', run: () => 1 });
const host = { host: '127.0.0.1:4777' };
const roles = ['read', 'operate', 'admin'] as const;

/** What a page is sent first, by who has it open. */
async function firstParts(
  fetch: (request: Request) => Response | Promise<Response>,
  path: string,
  who: string,
  over: AbortSignal,
): Promise<string> {
  const headers = { ...host, 'x-user': who };
  const answer = await fetch(
    new Request(`http://127.0.0.1:4777${path}`, { headers, signal: over }),
  );
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('event: parts')) text += (await reader?.read())?.value ?? '';
  while (!text.endsWith('\n\n')) text += (await reader?.read())?.value ?? '';
  return text;
}

test.each(['/live/runs?', '/live/schedules', '/live/workers'])(
  '%s is read once for all roles, and each is shown what it may do',
  async (path) => {
    const { pawl: made } = memoryPawl();
    await using pawl = made;
    pawl.worker({ workflows: [idle], beatMs: 50 });
    await pawl.start(idle, undefined, { id: 'r', delay: '1h' });
    await pawl.schedule(idle, undefined, { id: 's', every: '1h' });
    await expect.poll(async () => (await pawl.workers()).length).toBe(1);
    let reads = 0;
    const counting = withMethods(pawl, {
      list: async (...given: Parameters<typeof pawl.list>) => {
        reads += 1;
        return pawl.list(...given);
      },
      schedules: async () => {
        reads += 1;
        return pawl.schedules();
      },
      workers: async () => {
        reads += 1;
        return pawl.workers();
      },
    });
    // Of one name, so that nothing but the role tells them apart.
    const login = (request: Request): DashboardVisitor => ({
      actor: 'kim',
      role: roles.find((role) => role === request.headers.get('x-user')) ?? 'read',
    });
    const pages = dashboard(counting, { login, redact: hideFields('iban') });
    const over = new AbortController();
    const sent = await Promise.all(
      roles.map(async (role) => firstParts(pages.fetch, path, role, over.signal)),
    );
    over.abort();
    expect(reads).toBe(1);
    const [read = '', operate = '', admin = ''] = sent;
    expect(read).not.toMatch(/<form|class="choose"|name="token"/);
    expect(operate).toMatch(/<form|class="choose"/);
    expect(admin).toMatch(/<form|class="choose"/);
    expect(operate).not.toContain('/remove"');
    if (path === '/live/schedules') expect(admin).toContain('/remove"');
    await new Promise((resolve) => setTimeout(resolve, 2 * turnMs));
    expect(reads).toBe(1);
  },
);
