/** The pages of a pawl, for a browser. */
export { dashboard, type DashboardPages } from './dashboard/app.ts';
export type {
  DashboardAction,
  DashboardLogin,
  DashboardRole,
  DashboardUser,
  DashboardVisitor,
} from './dashboard/access.ts';
export { hideFields, type Redact, type ShownValue } from './dashboard/redaction.ts';
export type { KillableWorker, KillableWorkers } from './dashboard/killable.ts';
export type { DashboardOptions } from './dashboard/settings.ts';
export {
  serveDashboard,
  type ServeDashboardOptions,
  type ServedDashboard,
} from './dashboard/serve.ts';
export {
  dashboardListener,
  type FastifyApp,
  type HonoApp,
  type MiddlewareApp,
  mountOnExpress,
  mountOnFastify,
  mountOnHono,
  mountOnNest,
  nextRoute,
  type NodeListener,
} from './dashboard/mounts.ts';
