#!/usr/bin/env node
/** `npm create pawl my-app` is `pawl init my-app`. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const manifest = createRequire(import.meta.url).resolve('pawl/package.json');
const main = join(dirname(manifest), 'dist/cli/main.js');
const args = [main, 'init', ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { stdio: 'inherit' });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
