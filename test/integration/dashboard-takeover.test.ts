// Goal: whoever looks at a run sees who lost it, why, and how long it took until it went on. Method: a worker process is
// killed while another stands by; the page of the run is read over HTTP, and compared with the run's own events.
import { afterAll, expect, inject, test } from 'vitest';
import { serveDashboard } from 'pawl/dashboard';
import { killChildren } from '../support/child.ts';
import { ask } from '../support/pages.ts';
import { firstEvent, newPrefix, openPawl, startWorker } from '../support/workers.ts';
import { ticks } from '../support/workflows.ts';

afterAll(killChildren);

interface Takeover {
  readonly from: string;
  readonly reason: string;
  readonly detectMs: number;
  readonly claimMs: number;
}

test('the colour beside the log shows who lost the run, why, and how long detection and claim took', async () => {
  const setup = { url: inject('redisUrl'), prefix: newPrefix(), worker: { sweepMs: 25 } };
  await using pawl = await openPawl(setup.url, setup.prefix);
  const workers = await Promise.all([startWorker(setup), startWorker(setup)]);
  const run = await pawl.start(ticks, { count: 10_000, paceMs: 50 });
  await firstEvent(run, ({ type }) => type === 'tick');
  // Either may have claimed it.
  const holder = (await run.info()).worker;
  const [lost, heir] = workers[0].id === holder ? workers : workers.toReversed();
  if (lost === undefined || heir === undefined) throw new Error('two workers were started');
  lost.child.kill('SIGKILL');
  const resumed = await firstEvent(run, ({ type }) => type === 'run.resumed');
  const after = await firstEvent(run, ({ seq, type }) => seq > resumed.seq && type === 'tick');

  await using served = await serveDashboard(pawl, { port: 0 });
  const { text } = await ask(`${served.url}runs/${run.id}`);
  /** What a reader sees of an event, and the classes of its owner. */
  const item = (
    seq: number,
  ): { readonly colour: string; readonly held: string; readonly words: string } => {
    const pattern = `<li class="([^"]*)" id="e${seq}" title="([^"]*)">(.*?)</summary>`;
    const [, colour = '', held = '', inside = ''] = new RegExp(pattern, 's').exec(text) ?? [];
    const words = inside.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
    return { colour, held, words };
  };
  const short = (id: string): string => id.replace(/-[0-9a-f]{12}$/, '');
  const claimed = await firstEvent(run, ({ seq, type }) => seq > 2 && type === 'run.claimed');
  const { takeover } = claimed.data as { takeover: Takeover };
  expect(takeover).toMatchObject({ from: lost.id, reason: 'presence-lost' });
  expect(item(2)).toMatchObject({ colour: 'colour-0 turn', held: `held by ${lost.id}` });
  expect(item(2).words).toContain(`claimed by ${short(lost.id)}`);
  expect(item(claimed.seq - 1)).toMatchObject({
    colour: 'nobody turn bad',
    held: 'no worker holds it',
  });
  expect(item(claimed.seq - 1).words).toContain(
    `lost its worker ${short(lost.id)}: its process died`,
  );
  expect(item(claimed.seq)).toMatchObject({ colour: 'colour-1 turn' });
  expect(item(claimed.seq).words).toContain(
    `taken over by ${short(heir.id)} from ${short(lost.id)}: its process died, ` +
      `noticed after ${takeover.detectMs} ms, claimed ${takeover.claimMs} ms later`,
  );
  expect(item(after.seq)).toMatchObject({ colour: 'colour-1 plain', held: `held by ${heir.id}` });
  // As it comes, for a page that is open.
  const gone = new AbortController();
  const stream = await fetch(`${served.url}runs/${run.id}/live?after=${claimed.seq - 1}`, gone);
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let came = '';
  while (!/^data: .*\n/m.test(came)) came += (await reader?.read())?.value ?? '';
  gone.abort();
  expect(JSON.parse(/^data: (.*)$/m.exec(came)?.[1] ?? '')).toMatchObject({
    seq: claimed.seq,
    by: heir.id,
    isTakeover: true,
  });
  expect(text).toMatch(/<dt>Take-overs<\/dt>\s*<dd>1<\/dd>/);
});
