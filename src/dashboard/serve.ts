/** The pages in a server of Node for them alone, as `pawl ui` starts it. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { InvalidError } from '../core/errors.ts';
import { optionsOf, textOf, wholeNumber } from '../core/option-rules.ts';
import type { Pawl } from '../pawl.ts';
import { dashboard } from './app.ts';
import { type DashboardOptions, dashboardRules } from './settings.ts';

export type { KillableWorker, KillableWorkers } from './killable.ts';
export { hideFields } from './redaction.ts';

/** Where the pages are served. Without a password only addresses of this machine are allowed. */
export interface ServeDashboardOptions extends DashboardOptions {
  /** Default 4777; 0 takes any that is free. */
  readonly port?: number;
  /** The address it listens on. Default 127.0.0.1; any but this machine's own needs a password. */
  readonly host?: string;
}

/** A server of the pages that is listening. */
export interface ServedDashboard extends AsyncDisposable {
  /** Where a browser finds the pages, such as `http://127.0.0.1:4777/`. */
  readonly url: string;
  /** Ends open pages too. The pawl stays open. */
  close(): Promise<void>;
}

const defaultPort = 4777;
const own = new Set(['127.0.0.1', '::1', 'localhost']);

const checkOptions = optionsOf<ServeDashboardOptions>({
  ...dashboardRules,
  port: wholeNumber(0, 65_535),
  host: textOf(1, 253),
});

/**
 * Listens when it resolves.
 * @throws InvalidError for a bad option, and for an address others can reach without a password; the error of the
 *   system when the port is taken.
 */
export async function serveDashboard(
  pawl: Pawl,
  options: ServeDashboardOptions = {},
): Promise<ServedDashboard> {
  checkOptions(options, 'dashboard options');
  const { port = defaultPort, host = '127.0.0.1', ...rest } = options;
  const hasLogin = rest.password ?? rest.login ?? rest.users?.[0];
  if (!own.has(host) && hasLogin === undefined) {
    throw new InvalidError('host', `${host} can be reached by others: set a password or a login.`);
  }
  const app = dashboard(pawl, rest);
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const url = `http://${name}:${address.port}${(rest.basePath ?? '').replace(/\/$/, '')}/`;
  return { url, close, [Symbol.asyncDispose]: close };
}
