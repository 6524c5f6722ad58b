/** Of which pages pictures are kept, and how each comes into view. A house test says which page has none. */

/** Ids of the runs of `scenes.ts`. */
export const shown = {
  invoice: 'inv-7731',
  graph: 'research-12',
  parent: 'order-9',
  failed: 'order-9-parcel-2',
  doubt: 'payment-3',
  chat: 'chat-5',
} as const;

/** What is done on a page before its picture is taken. */
type Deed = 'wait' | 'open the first row' | 'send the form' | { readonly scrollTo: string };

export interface Shot {
  readonly name: string;
  /** The function of the dashboard that makes the page. */
  readonly of: string;
  readonly path: string;
  readonly deeds?: readonly Deed[];
}

const run = (id: string, query = ''): string => `/runs/${id}${query}`;
const to = (selector: string): readonly Deed[] => [{ scrollTo: selector }];

/** What only looks. */
const looking: readonly Shot[] = [
  { name: 'run', of: 'runPage', path: run(shown.invoice) },
  { name: 'run-timeline', of: 'runPage', path: run(shown.invoice), deeds: to('#timeline') },
  {
    name: 'run-state',
    of: 'runPage',
    path: run(shown.invoice, '?at=14#state'),
    deeds: to('#state'),
  },
  { name: 'run-graph', of: 'runPage', path: run(shown.graph), deeds: to('#graph') },
  { name: 'run-family', of: 'runPage', path: run(shown.parent) },
  { name: 'run-failed', of: 'runPage', path: run(shown.failed) },
  { name: 'run-doubt', of: 'runPage', path: run(shown.doubt) },
  { name: 'run-output', of: 'runPage', path: run(shown.chat), deeds: to('#outputs') },
  { name: 'run-fork', of: 'forkPage', path: run(shown.invoice, '/fork?at=14') },
  { name: 'overview', of: 'overviewPage', path: '/overview', deeds: ['wait'] },
  { name: 'runs', of: 'runsPage', path: '/runs' },
  { name: 'search', of: 'runsPage', path: '/runs?status=open&key=none&within=1h' },
  { name: 'bulk', of: 'bulkPage', path: '/bulk?action=retry&status=dead&workflow=upload' },
  { name: 'failures', of: 'failuresPage', path: '/failures' },
  {
    name: 'failure',
    of: 'failuresPage',
    path: '/failures?workflow=upload',
    deeds: ['open the first row', 'wait'],
  },
  { name: 'inbox', of: 'inboxPage', path: '/inbox' },
  { name: 'queues', of: 'queuesPage', path: '/queues' },
  { name: 'workers', of: 'workersPage', path: '/workers' },
  { name: 'recoveries', of: 'recoveriesPage', path: '/recoveries', deeds: ['wait'] },
  { name: 'schedules', of: 'schedulesPage', path: '/schedules' },
  { name: 'deletions', of: 'deletionsPage', path: '/deletions' },
  { name: 'health', of: 'healthPage', path: '/health' },
  { name: 'doctor', of: 'doctorPage', path: '/health', deeds: ['send the form'] },
];

/** What changes something, after all that only looks. */
const acting: readonly Shot[] = [
  {
    name: 'bulk-done',
    of: 'bulkDonePage',
    path: `/bulk?action=pause&run=${shown.parent}&run=${shown.graph}`,
    deeds: ['send the form'],
  },
  {
    name: 'failure-retried',
    of: 'retriedPage',
    path: '/failures?workflow=parcel',
    deeds: ['open the first row', 'send the form'],
  },
];

/** What is seen while Redis is away, last of all. */
const away: readonly Shot[] = [{ name: 'away', of: 'unavailable', path: '/runs' }];

export const shots = { looking, acting, away } as const;

const schemes = ['light', 'dark'] as const;
const screens = ['desktop', 'phone'] as const;

/** Each way in which a page is looked at. */
export const looks = schemes.flatMap((scheme) => screens.map((screen) => ({ scheme, screen })));

export function pictureName({ name }: Shot, { scheme, screen }: (typeof looks)[number]): string {
  return `${name}-${scheme}-${screen}.png`;
}
