// Goal: `pawl mcp` serves a client over standard input and output, and ends with it. Method: the official client starts it.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { defineWorkflow, Pawl } from 'pawl';
import { newPrefix } from '../support/workers.ts';

test('a client lists runs, and may not change them', async () => {
  const [redis, prefix] = [inject('redisUrl'), newPrefix()];
  await using pawl = await Pawl.open({ redis, prefix });
  await pawl.start(defineWorkflow({ name: 'w', run: () => 1 }), undefined, { id: 'listed' });
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const args = [main, 'mcp', '--redis', redis, '--prefix', prefix];
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  expect((await client.listTools()).tools).toHaveLength(4);
  const { content } = await client.callTool({ name: 'list', arguments: {} });
  expect(JSON.stringify(content)).toContain('listed');
  await client.close();
});
