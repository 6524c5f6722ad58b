/**
 * Files that are there wholly or not at all.
 *
 *   written under another name ─▶ fsync ─▶ renamed ─▶ folder fsynced
 *
 * Crash before the rename: the old file is there, and a leftover whose name begins with a dot, which nobody reads and the
 * next one overwrites. Crash after it: the new file. A power cut before the fsync of the folder: either of them.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CorruptionError, PawlError, UnavailableError } from '../core/errors.ts';
import { fromTagged, toTagged } from '../core/tagged-json.ts';

/** How a checkpointer treats its disk. */
export class Disk {
  readonly #fsync: boolean;

  /** `fsync: false`: survives the death of processes, not of the machine. */
  constructor(fsync: boolean) {
    this.#fsync = fsync;
  }

  /** Writes beside the file; the function returned puts it in its place. */
  async prepare(path: string, text: string): Promise<() => Promise<void>> {
    const beside = join(dirname(path), `.${basename(path)}.part`);
    const file = await open(beside, 'w');
    try {
      await file.writeFile(text);
      await this.sync(file);
    } finally {
      await file.close();
    }
    return async () => {
      await rename(beside, path);
      await this.syncFolder(dirname(path));
    };
  }

  async replace(path: string, text: string): Promise<void> {
    const putInPlace = await this.prepare(path, text);
    await putInPlace();
  }

  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true });
    await this.syncFolder(dirname(path));
  }

  async removeFile(path: string): Promise<void> {
    await rm(path, { force: true });
    await this.syncFolder(dirname(path));
  }

  async sync(file: { sync(): Promise<void> }): Promise<void> {
    if (this.#fsync) await file.sync();
  }

  /** Makes names in the folder durable. */
  async syncFolder(path: string): Promise<void> {
    if (!this.#fsync) return;
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** What a file holds; undefined when there is none. @throws CorruptionError when it cannot be read. */
export async function readJson(path: string): Promise<unknown> {
  const text = await unlessAbsent(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return fromTagged(JSON.parse(text));
  } catch (error) {
    throw new CorruptionError({ key: path }, 'cannot be read as JSON', error);
  }
}

/** A file for people: JSON over several lines. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(toTagged(value), undefined, 2)}\n`;
}

/** What the call returns; undefined when what it reads is not there. */
export async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** What the disk refuses becomes UnavailableError; other errors stay as they are. */
export async function onDisk<T>(
  what: string,
  body: () => Promise<T>,
  outcome: 'not-applied' | 'unknown' = 'not-applied',
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (PawlError.is(error) || !(error instanceof Error) || !('syscall' in error)) throw error;
    throw new UnavailableError(what, outcome, error);
  }
}
