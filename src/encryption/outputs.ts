/** What runs give out, sealed: chunks are payloads. Names of outputs and steps, numbers and times are in clear. */
import type { Cipher } from '../core/cipher.ts';
import type { Outputs, StoredChunk, WriteOutcome, WriteParams } from '../core/outputs.ts';
import { chunkPlace } from './places.ts';

export class EncryptedOutputs implements Outputs {
  readonly #outputs: Outputs;
  readonly #cipher: Cipher;

  constructor(outputs: Outputs, cipher: Cipher) {
    this.#outputs = outputs;
    this.#cipher = cipher;
  }

  async write(params: WriteParams): Promise<WriteOutcome> {
    const { run, fence, last } = params;
    const chunks = params.chunks.map((chunk, i) => {
      const place = chunkPlace(run, { number: last + 1 + i, fence }, chunk);
      return { ...chunk, data: this.#cipher.seal(chunk.data, place) };
    });
    return this.#outputs.write({ ...params, chunks });
  }

  async read(params: Parameters<Outputs['read']>[0]): Promise<readonly StoredChunk[]> {
    const chunks = await this.#outputs.read(params);
    return chunks.map((chunk) => {
      const place = chunkPlace(params.run, chunk, chunk);
      return { ...chunk, data: this.#cipher.open(chunk.data, [place]) };
    });
  }

  watch(run: string, written: () => void): Promise<() => Promise<void>> {
    return this.#outputs.watch(run, written);
  }
}
