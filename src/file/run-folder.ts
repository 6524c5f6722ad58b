/**
 * What is in the folder of a run, and what it is called.
 *
 *   run.json            workflow, tags, metadata: never changed
 *   claim.json          status, fence, owner, worker: whose the run is
 *   events.jsonl        the log
 *   snapshot.json       the newest state, the seq it covers, and where in the log that is
 *   checkpoints/<id>.json
 *   output.json         what a finished run has returned
 *   lock/               see lock.ts
 */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorruptionError } from '../core/errors.ts';
import { runStatuses } from '../core/run.ts';
import { type Disk, formatJson, hasCode, readJson, unlessAbsent } from './disk.ts';
import { freeLock } from './lock.ts';
import { isAlive, thisProcess } from './process-identity.ts';

const beginningSchema = z.object({
  run: z.string(),
  workflow: z.string(),
  tags: z.record(z.string(), z.string()),
  metadata: z.unknown().optional(),
  createdAt: z.date(),
});

const holdingSchema = z.object({
  status: z.enum(runStatuses),
  fence: z.int(),
  owner: z.string(),
  worker: z.string().optional(),
});

const snapshotSchema = z.object({
  version: z.int(),
  seq: z.int(),
  logBytes: z.int(),
  at: z.date(),
  state: z.unknown(),
});

const checkpointSchema = snapshotSchema.extend({
  id: z.string(),
  node: z.string().optional(),
  label: z.string().optional(),
  metadata: z.unknown().optional(),
  bytes: z.int(),
});

/** What a run began with. */
export type Beginning = z.infer<typeof beginningSchema>;
/** Whose a run is. */
export type Holding = z.infer<typeof holdingSchema>;
export type FileSnapshot = z.infer<typeof snapshotSchema>;
export type FileCheckpoint = z.infer<typeof checkpointSchema>;

export class RunFolder {
  readonly path: string;

  /** `root`: the folder of the checkpointer. */
  constructor(root: string, run: string) {
    this.path = join(root, folderName(run));
  }

  get lock(): string {
    return join(this.path, 'lock');
  }

  get events(): string {
    return join(this.path, 'events.jsonl');
  }

  get holding(): string {
    return join(this.path, 'claim.json');
  }

  get snapshot(): string {
    return join(this.path, 'snapshot.json');
  }

  get output(): string {
    return join(this.path, 'output.json');
  }

  get checkpoints(): string {
    return join(this.path, 'checkpoints');
  }

  checkpoint(id: string): string {
    return join(this.checkpoints, `${id}.json`);
  }

  readBeginning(): Promise<Beginning | undefined> {
    return read(join(this.path, 'run.json'), beginningSchema);
  }

  readHolding(): Promise<Holding | undefined> {
    return read(this.holding, holdingSchema);
  }

  readSnapshot(): Promise<FileSnapshot | undefined> {
    return read(this.snapshot, snapshotSchema);
  }

  readCheckpoint(id: string): Promise<FileCheckpoint | undefined> {
    return read(this.checkpoint(id), checkpointSchema);
  }

  readOutput(): Promise<unknown> {
    return readJson(this.output);
  }

  /** When the run was claimed, saved, released or finished last, in milliseconds since 1970; 0 when it is gone. */
  async updatedAt(): Promise<number> {
    const stats = await Promise.all([
      unlessAbsent(stat(this.holding)),
      unlessAbsent(stat(this.snapshot)),
    ]);
    return Math.max(...stats.map((one) => one?.mtimeMs ?? 0));
  }

  /** Versions of the kept snapshots, the newest first. */
  async checkpointVersions(): Promise<readonly number[]> {
    const names = (await unlessAbsent(readdir(this.checkpoints))) ?? [];
    return names
      .map((name) => /^(\d+)-0\.json$/.exec(name)?.[1])
      .filter((version) => version !== undefined)
      .map(Number)
      .sort((a, b) => b - a);
  }

  /** Makes the run with all that belongs to it, unless it is there. `log`: the first line. */
  async make(disk: Disk, beginning: Beginning, log: string): Promise<void> {
    const root = join(this.path, '..');
    const building = join(root, `.new.${randomBytes(6).toString('hex')}.${thisProcess}`);
    await disk.makeFolder(join(building, 'lock'));
    const holding: Holding = { status: 'queued', fence: 0, owner: '' };
    await disk.replace(join(building, 'run.json'), formatJson(beginning));
    await disk.replace(join(building, 'claim.json'), formatJson(holding));
    await disk.replace(join(building, 'events.jsonl'), log);
    await disk.replace(join(building, 'lock', freeLock), '');
    try {
      await rename(building, this.path);
    } catch (error) {
      // Somebody else has made it in the meantime.
      await rm(building, { recursive: true, force: true });
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
    await disk.syncFolder(root);
  }

  /** Removes the run, in one go for everybody who looks. */
  async remove(disk: Disk): Promise<void> {
    const root = join(this.path, '..');
    const doomed = join(root, `.deleted.${randomBytes(6).toString('hex')}.${thisProcess}`);
    await rename(this.path, doomed);
    await disk.syncFolder(root);
    await rm(doomed, { recursive: true, force: true });
  }
}

/** The ids of all runs in a folder. */
export async function listIds(root: string): Promise<readonly string[]> {
  const names = (await unlessAbsent(readdir(root))) ?? [];
  return names.filter((name) => !name.startsWith('.')).map((name) => name.replace(/^%2e/, '.'));
}

/** Removes what processes that are gone were making or deleting. */
export async function sweepLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [, what = '', , ...owner] = name.split('.');
    const isLeftover = name.startsWith('.') && (what === 'new' || what === 'deleted');
    if (!isLeftover || isAlive(owner.join('.'))) continue;
    await rm(join(root, name), { recursive: true, force: true });
  }
}

/** A name that begins with a dot belongs to the checkpointer itself; `..` would be another folder. */
function folderName(run: string): string {
  return run.replace(/^\./, '%2e');
}

/** @throws CorruptionError when the file is not what it should be. */
async function read<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const json = await readJson(path);
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CorruptionError(
    { key: path },
    `does not fit at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`,
  );
}
