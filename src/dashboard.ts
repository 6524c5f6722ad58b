/** The pages of a pawl, for a browser. */
export { dashboard, type DashboardPages } from './dashboard/app.ts';
export type { DashboardAction, DashboardOptions } from './dashboard/settings.ts';
export {
  dashboardListener,
  serveDashboard,
  type ServeDashboardOptions,
  type ServedDashboard,
} from './dashboard/serve.ts';
