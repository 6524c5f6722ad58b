// Goal: BullMQ's telemetry is BullMQ's own affair: pawl hands it on, and runs go on as ever. Method: an object as BullMQ
// wants it, which writes down what it is asked for.
import { expect, inject, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import type { OpenOptions } from 'pawl';
import { newPrefix } from '../support/workers.ts';

type Telemetry = NonNullable<OpenOptions['bullTelemetry']>;

function recorder(): { readonly telemetry: Telemetry; readonly spans: string[] } {
  const spans: string[] = [];
  const span = {
    setSpanOnContext: (context: unknown) => context,
    setAttribute: () => undefined,
    setAttributes: () => undefined,
    addEvent: () => undefined,
    recordException: () => undefined,
    end: () => undefined,
  };
  const telemetry = {
    tracer: {
      startSpan: (name: string) => {
        spans.push(name);
        return span;
      },
    },
    contextManager: {
      with: (_: unknown, fn: () => unknown) => fn(),
      active: () => ({}),
      getMetadata: () => '{}',
      fromMetadata: () => ({}),
    },
  };
  return { telemetry: telemetry as unknown as Telemetry, spans };
}

test('BullMQ tells its telemetry of jobs that are sent and handled', async () => {
  const { telemetry, spans } = recorder();
  const redis = inject('redisUrl');
  await using pawl = await Pawl.open({ redis, prefix: newPrefix(), bullTelemetry: telemetry });
  const traced = defineWorkflow({ name: 'traced', run: (ctx) => ctx.step('one', () => 1) });
  await pawl.worker({ workflows: [traced] }).ready();
  const run = await pawl.start(traced);
  expect(await run.result()).toBe(1);
  expect(spans).toContain('add traced.resume ' + run.id);
  expect(spans.some((name) => name.startsWith('process traced'))).toBe(true);
});

test('something else is refused before Redis is asked', async () => {
  await expect(Pawl.open({ bullTelemetry: {} as never })).rejects.toThrow(
    'open options.bullTelemetry must be what BullMQ takes as telemetry',
  );
});
