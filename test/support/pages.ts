/** What the tests of the pages share: a workflow with hostile content, and a browser of few words. */
import { request } from 'node:http';
import { defineGraph, defineWorkflow } from 'pawl';
import { z } from 'zod';

export const hostile = `<script>alert(1)</script>"'&\u0000\u202Eevil`;

/** Stores hostile content wherever content is taken, then waits for a signal. */
export const nasty = defineWorkflow({
  name: 'nasty',
  version: 1,
  input: z.object({ text: z.string(), fail: z.boolean().default(false) }),
  state: z.object({ note: z.string().default('') }),
  signals: { go: z.unknown(), ask: z.unknown() },
  async run(ctx, input) {
    await ctx.step(`<img src=x onerror=alert(1)> "'`, () => input.text);
    await ctx.set({ note: input.text });
    await ctx.checkpoint({ label: '<b>label</b>' });
    if (input.fail) throw new Error(input.text);
    const form = { '<b>label': 'text', pick: ['<img src=x>', '"'] } as const;
    const asked = ctx.waitFor('ask', { as: '<b>ask</b>', label: hostile, form });
    await Promise.race([ctx.waitFor('go'), asked]);
    return { said: input.text, long: 'x'.repeat(5_000) };
  },
});

export const drawn = defineGraph({
  name: 'drawn',
  version: 1,
  state: z.object({ n: z.number().default(0) }),
  start: 'first',
  nodes: { first: () => ({ set: { n: 1 } }), second: () => ({ set: { n: 2 } }) },
  edges: { first: 'second', second: 'end' },
});

/** What a page says to type in a shell. */
export function commandsIn(page: string): string[] {
  const found = page.matchAll(/<code class="command"[^>]*>(.*?)<\/code>/gs);
  return [...found].map(([, line = '']) => line.replaceAll(/<[^>]+>/g, '').trim());
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** As `fetch`, which does not let a caller say another host. */
export function ask(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
