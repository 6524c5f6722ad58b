// `node tools/servers.mjs NAME`: prints the path of the binary of a server, for PAWL_REDIS_SERVER. Brings it from Debian's
// packages into a cache folder where it is missing, without installing anything. Without a name: what there is.
import { existsSync } from 'node:fs';
import { binaryOf, provideServer } from './servers/cache.mjs';
import { catalogue, Unavailable } from './servers/catalogue.mjs';

const [name, ...rest] = process.argv.slice(2);
const server = catalogue.find((one) => one.name === name);

if (name === undefined) {
  for (const one of catalogue) {
    const binary = binaryOf(one);
    console.log(`${one.name}\t${existsSync(binary) ? binary : `in Debian's ${one.suite}`}`);
  }
} else if (server === undefined || rest.length > 0) {
  console.error(`Usage: node tools/servers.mjs [${catalogue.map((one) => one.name).join(' | ')}]`);
  process.exitCode = 2;
} else {
  try {
    console.log(await provideServer(server, (line) => console.error(line)));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.error(`${name} cannot be had. ${error.message}`);
    process.exitCode = 1;
  }
}
