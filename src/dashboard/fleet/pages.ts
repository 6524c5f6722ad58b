/** Which pages there are over the fleet: how each is read, and what it shows. Every reading is bounded. */
import { queuesPage, queuesParts } from '../queues-page.ts';
import { inboxPage, inboxParts, readInbox } from '../inbox-page.ts';
import type { Html } from '../html.ts';
import type { Place } from '../layout.ts';
import type { Common } from '../common.ts';
import type { Settings } from '../settings.ts';
import { deletionsPage, deletionsParts } from './deletions-page.ts';
import { failuresPage, failuresParts } from './failures-page.ts';
import { readFailures } from './failures.ts';
import { healthPage, healthParts, readHealth } from './health-page.ts';
import { overviewPage, overviewParts, readOverview, toRange } from './overview.ts';
import { recoveriesPage, recoveriesParts } from './recoveries-page.ts';
import { schedulesPage, schedulesParts } from './schedules-page.ts';
import { type Asked, readSearch } from './search.ts';
import { workersPage, workersParts } from './workers-page.ts';

/** What a page makes of what it has read. */
interface Shows<Data> {
  readonly body: (data: Data, token: string) => Html;
  /** What stays true while the page is open. */
  readonly parts: (data: Data, token: string) => Html;
  readonly json: (data: Data) => object;
}

/** A page that was asked for. */
interface Opened extends Shows<unknown> {
  /** The same key is the same reading. */
  readonly key: string;
  readonly read: () => Promise<unknown>;
}

export interface FleetPage {
  readonly name: Place;
  readonly title: string;
  /** How often it is read while somebody has it open, at most. */
  readonly everyMs: number;
  /** @throws InvalidError for what cannot be asked for. */
  readonly open: (asked: Asked) => Opened;
}

/** What a page has read is shown by that page alone. */
function opened<Data>(key: string, read: () => Promise<Data>, shows: Shows<Data>): Opened {
  return { key, read, ...(shows as Shows<never> as Shows<unknown>) };
}

const fastMs = 1_000;
const slowMs = 3_000;

export function fleetPages(common: Common, settings: Settings): readonly FleetPage[] {
  const { shown: pawl, backlog, recoveries } = common;
  return [
    {
      name: 'overview',
      title: 'Overview',
      everyMs: 2_000,
      open: (asked) => {
        const range = toRange(asked);
        return opened(range.key, () => readOverview(pawl, backlog, range), {
          body: (data) => overviewPage(settings, range, data),
          parts: (data) => overviewParts(settings, data),
          json: (data) => data,
        });
      },
    },
    {
      name: 'failures',
      title: 'Failures',
      everyMs: slowMs,
      open: (asked) => {
        const { workflow = '', tag = '', within = '', group } = asked;
        const given = { workflow, tag, within };
        const search = readSearch(given);
        const shown = { settings, search, group: group === '' ? undefined : group };
        return opened(search.query, () => readFailures(pawl, readSearch(given)), {
          body: (data, token) => failuresPage({ ...shown, token }, data),
          parts: (data, token) => failuresParts({ ...shown, token }, data),
          json: ({ groups, looked, isCut }) => ({ groups, looked, isCut }),
        });
      },
    },
    {
      name: 'inbox',
      title: 'Inbox',
      everyMs: fastMs,
      open: (asked) => {
        const { signal = '', key = '', workflow = '', cursor = '' } = asked;
        const given = { signal, key, workflow, cursor };
        return opened(new URLSearchParams(given).toString(), () => readInbox(pawl, given), {
          body: (data, token) => inboxPage(settings, given, { ...data, token }),
          parts: (data, token) => inboxParts(settings, given, { ...data, token }),
          json: (data) => data,
        });
      },
    },
    {
      name: 'queues',
      title: 'Queues',
      everyMs: fastMs,
      open: () =>
        opened('', () => common.queues(), {
          body: (data, token) => queuesPage(settings, data, token),
          parts: (data, token) => queuesParts(settings, data, token),
          json: (queues) => ({ queues }),
        }),
    },
    {
      name: 'workers',
      title: 'Workers',
      everyMs: fastMs,
      open: () =>
        opened('', () => pawl.workers(), {
          body: (data, token) => workersPage(settings, data, token),
          parts: (data, token) => workersParts(settings, data, token),
          json: (workers) => ({ workers }),
        }),
    },
    {
      name: 'recoveries',
      title: 'Recoveries',
      everyMs: fastMs,
      open: () =>
        opened('', () => recoveries.read(), {
          body: (data) => recoveriesPage(settings, data),
          parts: (data) => recoveriesParts(settings, data),
          json: (data) => data,
        }),
    },
    {
      name: 'schedules',
      title: 'Schedules',
      everyMs: slowMs,
      open: () =>
        opened('', () => pawl.schedules(), {
          body: (data, token) => schedulesPage(settings, data, token),
          parts: (data, token) => schedulesParts(settings, data, token),
          json: (schedules) => ({ schedules }),
        }),
    },
    {
      name: 'deletions',
      title: 'Deletions',
      everyMs: slowMs,
      open: ({ cursor = '' }) =>
        opened(cursor, () => pawl.deletions(cursor === '' ? {} : { cursor }), {
          body: (data) => deletionsPage(settings, cursor, data),
          parts: (data) => deletionsParts(settings, cursor, data),
          json: (data) => data,
        }),
    },
    {
      name: 'health',
      title: 'Health',
      everyMs: slowMs,
      open: () =>
        opened('', () => readHealth(pawl), {
          body: (data, token) => healthPage(settings, data, token),
          parts: (data) => healthParts(data),
          json: (data) => data,
        }),
    },
  ];
}
