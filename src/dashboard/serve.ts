/** The pages in a server of Node: one for them alone, as `pawl ui` starts it, or one that does other things as well. */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, getRequestListener } from '@hono/node-server';
import { detach } from '../core/detached.ts';
import { InvalidError } from '../core/errors.ts';
import { optionsOf, textOf, wholeNumber } from '../core/option-rules.ts';
import type { Pawl } from '../pawl.ts';
import { dashboard } from './app.ts';
import { type DashboardOptions, dashboardRules } from './settings.ts';

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
 * The pages for a server whose handlers take a request and a response of Node, such as Express:
 * `app.use('/admin/pawl', dashboardListener(pawl, { basePath: '/admin/pawl' }))`.
 * @throws InvalidError for a bad option.
 */
export function dashboardListener(
  pawl: Pawl,
  options: DashboardOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const listen = getRequestListener(dashboard(pawl, options).fetch);
  return (request, response) => {
    // What a router takes off the path at the place of mounting is a part of the pages' own paths.
    const { originalUrl } = request as { readonly originalUrl?: string };
    if (originalUrl !== undefined) request.url = originalUrl;
    detach(listen(request, response), () => response.destroy());
  };
}

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
  if (!own.has(host) && rest.password === undefined) {
    throw new InvalidError('host', `${host} can be reached by others: set a password.`);
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
