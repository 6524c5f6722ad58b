// Goal: the dashboard for Grafana and the alerts for Prometheus ask for metrics that are there. Method: the names in both
// files are compared with the sources, which name each metric once.
import { expect, test } from 'vitest';
import { source } from './sources.ts';

const code = source('src/metrics.ts').text + source('src/fleet-metrics.ts').text;
const known = new Set([...code.matchAll(/'(pawl_[a-z_]+)'/g)].map(([, name = '']) => name));

/** Metrics that a text asks for and that nobody counts; those of a histogram have three endings. */
function unknownIn(text: string): string[] {
  const names = [...text.matchAll(/\bpawl_[a-z_]+/g)].map(([name]) => name);
  return names.filter(
    (name) => !known.has(name) && !known.has(name.replace(/_(?:bucket|count|sum)$/, '')),
  );
}

test('a metric that is not there is found', () => {
  expect(unknownIn('rate(pawl_step_seconds_count[5m]) + pawl_up + pawl_nothing')).toEqual([
    'pawl_nothing',
  ]);
});

test.each([
  ['docs/recipes/grafana-dashboard.json', 20],
  ['docs/recipes/prometheus-alerts.yml', 7],
])('%s asks for metrics that are there', (path, metricsMin) => {
  const { text } = source(path);
  expect(text.match(/\bpawl_[a-z_]+/g)?.length).toBeGreaterThanOrEqual(metricsMin);
  expect(unknownIn(text)).toEqual([]);
});

test('each alert is on the page, with a symptom that has a heading', () => {
  const alerts = [
    ...source('docs/recipes/prometheus-alerts.yml').text.matchAll(/alert: (\w+)/g),
  ].map(([, name = '']) => name);
  const page = source('docs/recipes/prometheus.md').text;
  expect(alerts.length).toBeGreaterThanOrEqual(5);
  expect(alerts.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
});
