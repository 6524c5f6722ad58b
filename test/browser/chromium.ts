/** The browser that the tests use: the Chromium of the system, for no browser is downloaded. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Its path; undefined when there is none. `PAWL_CHROMIUM` names another one. */
export async function findChromium(): Promise<string | undefined> {
  const { PAWL_CHROMIUM: given, PATH: path = '' } = process.env;
  if (given !== undefined && given !== '') return given;
  for (const folder of path.split(delimiter)) {
    for (const name of names) {
      const file = join(folder, name);
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
  }
  return undefined;
}

export const noChromium =
  'There is no Chromium here: apt-get install chromium, or name one by PAWL_CHROMIUM.';

/** @throws Error that says how to get one. */
export async function launch(): Promise<Browser> {
  const executablePath = await findChromium();
  if (executablePath === undefined) throw new Error(noChromium);
  // Root has no sandbox, and a container has little shared memory.
  const isRoot = process.getuid?.() === 0;
  const args = ['--disable-dev-shm-usage', ...(isRoot ? ['--no-sandbox'] : [])];
  return chromium.launch({ executablePath, args });
}
