// Goal: the pages show what is stored, and refuse who may not see it. Method: HTTP over a real Redis.
import { inject } from 'vitest';
import { pageChecks } from '../support/page-checks.ts';
import { newPrefix, openPawl } from '../support/workers.ts';

pageChecks(() => openPawl(inject('redisUrl'), newPrefix()));
