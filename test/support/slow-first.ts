/**
 * The order of test files: what takes long begins first, so that no file has the machine to itself at the end.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The slowest first. A fresh clone knows no durations, and vitest would take the longest sources first. */
const slow = [
  'chaos/blobs',
  'chaos/cluster',
  'chaos/sentinel',
  'simulation/simulation',
  'conformance/cluster',
  'integration/examples',
  'conformance/redis-shards',
  'conformance/redis',
  'integration/cli',
  'conformance/redis-encrypted',
  'integration/docs',
  'integration/package',
  'conformance/redis-durable',
  'integration/acl',
  'chaos/file-checkpointer',
  'chaos/redis-faults',
  'chaos/kill',
  'chaos/network',
  'integration/import-kill',
  'simulation/redis',
  'conformance/differential',
  'unit/testing/crash-test',
  'programs/fuzz',
].map((name) => `/test/${name}.test.ts`);

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const rank = ({ project, moduleId }: TestSpecification): number => {
      const at = slow.findIndex((end) => moduleId.endsWith(end));
      return projects.indexOf(project.name) * 1_000 + (at === -1 ? slow.length : at);
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
