/**
 * Large values as files of a folder, for one machine or a disk that all workers share.
 *
 *   <folder>/<first two digits of the address>/<address>
 *
 * A file is written under another name, made durable, and then renamed: it is there wholly or not at all. A crash before
 * the rename leaves a file whose name begins with a dot. Nobody reads it, and it may be deleted at any time.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BlobStore } from '../core/blobs.ts';
import { InvalidError } from '../core/errors.ts';
import { flag, optionsOf } from '../core/option-rules.ts';
import { Disk, onDisk, unlessAbsent } from './disk.ts';

/** How blobs are written to the disk. */
export interface FileBlobStoreOptions {
  /** Whether a blob survives the loss of power, and not only of processes. Default true. */
  readonly fsync?: boolean;
}

const addressPattern = /^[0-9a-z][0-9a-z.-]{2,199}$/;
const checkOptions = optionsOf<FileBlobStoreOptions>({ fsync: flag });

/** A blob store in a folder: for `Pawl.open({ blobs: { store } })`. Every worker must see the same folder. */
export class FileBlobStore implements BlobStore {
  readonly #folder: string;
  readonly #disk: Disk;

  private constructor(folder: string, disk: Disk) {
    this.#folder = folder;
    this.#disk = disk;
  }

  /**
   * Opens a folder, which is made when it is not there.
   * @throws InvalidError for a bad option; UnavailableError when the disk refuses.
   */
  static async open(folder: string, options: FileBlobStoreOptions = {}): Promise<FileBlobStore> {
    if (typeof folder !== 'string' || folder === '') {
      throw new InvalidError('folder', 'must be the path of a folder.');
    }
    checkOptions(options, 'file blob store options');
    const disk = new Disk(options.fsync ?? true);
    const path = resolve(folder);
    await onDisk('open the folder of blobs', () => disk.makeFolder(path));
    return new FileBlobStore(path, disk);
  }

  /** Resolves when the file is durable. @throws UnavailableError when the disk refuses. */
  async put(address: string, bytes: Uint8Array): Promise<void> {
    const folder = join(this.#folder, checked(address).slice(0, 2));
    const beside = join(folder, `.${address}.${randomBytes(4).toString('hex')}`);
    await onDisk('write a blob', async () => {
      await this.#disk.makeFolder(folder);
      const file = await open(beside, 'wx');
      try {
        await file.writeFile(bytes);
        await this.#disk.sync(file);
      } finally {
        await file.close();
      }
      await rename(beside, join(folder, address));
      await this.#disk.syncFolder(folder);
    });
  }

  /** Undefined when there is no such file. @throws UnavailableError when the disk refuses. */
  async get(address: string): Promise<Uint8Array | undefined> {
    return onDisk('read a blob', () => unlessAbsent(readFile(this.#path(address))));
  }

  /** No file is no error. @throws UnavailableError when the disk refuses. */
  async delete(address: string): Promise<void> {
    await onDisk('delete a blob', () => rm(this.#path(address), { force: true }));
  }

  #path(address: string): string {
    return join(this.#folder, checked(address).slice(0, 2), address);
  }
}

/** Nothing outside of the folder is ever touched. */
function checked(address: string): string {
  if (addressPattern.test(address)) return address;
  throw new InvalidError('address', 'must be one that pawl has made.');
}
