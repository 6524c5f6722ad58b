/**
 * One worker in a thread, over the memory of the process that started it. The thread may be
 * terminated at any moment; closed, it hands its runs back.
 */
import { parentPort } from 'node:worker_threads';
import { pawlInThread } from 'pawl/testing';
import { work } from './worker-work.ts';

await work(
  (logger) => pawlInThread({ logger }).pawl,
  (report) => parentPort?.postMessage(report),
);
