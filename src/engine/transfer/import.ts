/**
 * Brings runs in, line by line, as an export wrote them; little of a run is in memory, however long its log is.
 *
 * A run's lines are put aside in the store as they come (`core/transfer.ts`), where nobody sees them. Its last line says how
 * many there were and what their SHA-256 is; only when all of that fits does one call make a run of them. So a run is there
 * with all it had, or not at all:
 *
 *   crash, or an error, before that call    nothing of this run is visible. What was put aside is dropped, at once after an
 *                                           error, by the store after a crash. The runs before it in the file are in.
 *   crash after it                          the run is in. Its parent may not know of its end yet.
 *   the same import, begun anew             `skip` passes over what is in, and tells parents again; that changes nothing.
 *
 * A run that was at work comes in as one that lost its worker: any worker here takes it up, under a higher fence. A parent
 * that waits for a child hears of its end here: the news may have reached it at home after its lines were written.
 */
import { randomUUID } from 'node:crypto';
import { InvalidError, RunError, UnavailableError } from '../../core/errors.ts';
import { defaults } from '../../core/limits.ts';
import { isEnded, type RunRecord } from '../../core/run.ts';
import { postEnd } from '../runs/family.ts';
import { ImportedRun } from './imported-run.ts';
import { LineFields } from './line-fields.ts';
import { type Line, parseLine, portableVersion } from './portable.ts';
import { type PortableRun, toPortableRun } from './portable-run.ts';
import type { StartParts } from '../runs/start.ts';

/** How far an import is. */
export interface ImportProgress {
  /** Lines read. */
  readonly lines: number;
  /** Runs that are in. */
  readonly runs: number;
  /** Runs that were there already. */
  readonly skipped: number;
  /** Read of all runs, those that are skipped and those that are not in yet too. */
  readonly events: number;
  /** Checkpoints read so far, of all runs. */
  readonly checkpoints: number;
}

/** What an import does with runs that exist, and how it tells about its progress. */
export interface ImportOptions {
  /** Called every thousand lines, and after each run. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** A run whose id is taken: `refuse` (default) ends the import there, `skip` leaves both as they are and goes on. */
  readonly ifExists?: 'refuse' | 'skip';
}

/** What is there now because of an import. */
export interface ImportReport {
  /** Runs that were added. */
  readonly runs: number;
  /** Runs that were left out, because their id exists and `ifExists` is `skip`. */
  readonly skipped: number;
  /** Of the runs that are in now because of this import. */
  readonly events: number;
  /** Checkpoints of the runs that were added. */
  readonly checkpoints: number;
}

type Parts = Pick<StartParts, 'store' | 'wake'>;
type Lines = AsyncIterable<string> | Iterable<string>;

const linesPerNews = 1000;

/**
 * Reads the lines of one or several exports.
 * @throws InvalidError that names the line; RunError `PAWL_RUN_EXISTS`; faults of the store. Runs before it are in.
 */
export async function importRuns(
  parts: Parts,
  lines: Lines,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const reading = new Import(parts, options);
  try {
    for await (const text of lines) await reading.line(text);
    reading.end();
  } catch (error) {
    // The first error is the one to tell; what is put aside goes by itself when the store does not answer now.
    await reading.discard().catch(() => undefined);
    await reading.tellParents().catch(() => undefined);
    throw error;
  }
  await reading.tellParents();
  return reading.report;
}

class Import {
  readonly #parts: Parts;
  readonly #options: ImportOptions;
  /** Ended runs whose parent was not here when they came. */
  readonly #notifyPending: string[] = [];
  readonly #read = { lines: 0, runs: 0, skipped: 0, events: 0, checkpoints: 0 };
  readonly #kept = { events: 0, checkpoints: 0 };
  /** Between the first line of an export and its last. */
  #open = false;
  /** Runs of this export. */
  #runs = 0;
  #run: ImportedRun | undefined;

  constructor(parts: Parts, options: ImportOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  get report(): ImportReport {
    return { runs: this.#read.runs, skipped: this.#read.skipped, ...this.#kept };
  }

  async line(text: string): Promise<void> {
    const number = ++this.#read.lines;
    if (text === '') return;
    const line = parseLine(text, number);
    await this.#take(line, new LineFields(line, number), text);
    if (number % linesPerNews === 0) this.#news();
  }

  end(): void {
    const { lines } = this.#read;
    if (this.#run !== undefined) throw this.#run.cutOff();
    if (lines === 0)
      throw new InvalidError('lines', 'are none: the file is empty; nothing was imported.');
    if (!this.#open) return;
    throw new InvalidError(
      `line ${lines}`,
      'is the last, and does not say that the export is complete: it was cut off. Runs before it are imported.',
    );
  }

  async discard(): Promise<void> {
    await this.#run?.discard();
  }

  async tellParents(): Promise<void> {
    for (const run of this.#notifyPending.splice(0)) {
      const record = await this.#parts.store.record(run);
      if (record !== undefined) await postEnd(this.#parts, record);
    }
  }

  async #take(line: Line, fields: LineFields, text: string): Promise<void> {
    if ((line.kind === 'pawl-export') === this.#open) {
      throw fields.problem(
        this.#open ? 'begins an export before the end of another' : 'is not the first of an export',
      );
    }
    switch (line.kind) {
      case 'pawl-export':
        this.#begin(fields);
        break;
      case 'complete':
        this.#complete(fields);
        break;
      case 'run':
        if (this.#run !== undefined) throw fields.problem('begins a run before the end of another');
        this.#run = await this.#beginRun(toPortableRun(fields, randomUUID()), fields);
        this.#run.seal(text);
        break;
      case 'end':
        await this.#endRun(this.#runOf(line, fields), fields);
        break;
      case 'withdrawn':
        await this.#runOf(line, fields).discard();
        this.#run = undefined;
        break;
      case 'snapshot':
      case 'event':
      case 'checkpoint':
      case 'message':
      case 'seen':
        this.#count(line.kind);
        await this.#runOf(line, fields).take(line.kind, fields, text);
        break;
    }
  }

  #begin(fields: LineFields): void {
    const version = fields.integer('version');
    if (version !== portableVersion) {
      throw fields.problem(`has version ${version}; this code reads ${portableVersion}`);
    }
    fields.end();
    this.#open = true;
    this.#runs = 0;
  }

  #complete(fields: LineFields): void {
    if (this.#run !== undefined) throw fields.problem('ends the export in the middle of a run');
    fields.integer('runs', { min: this.#runs, max: this.#runs });
    fields.end();
    this.#open = false;
  }

  #runOf(line: Line, fields: LineFields): ImportedRun {
    if (this.#run === undefined) throw fields.problem('belongs to no run');
    if (line['run'] !== this.#run.id) throw fields.problem('is of another run');
    return this.#run;
  }

  async #beginRun(portable: PortableRun, fields: LineFields): Promise<ImportedRun> {
    const { id } = portable.record;
    const isThere = (await this.#parts.store.record(id)) !== undefined;
    if (isThere) this.#refuse(id, fields.number);
    const { transfer } = this.#parts.store;
    return new ImportedRun(isThere ? undefined : transfer, portable, {
      token: randomUUID(),
      keepMs: defaults.keepMs,
    });
  }

  async #endRun(run: ImportedRun, fields: LineFields): Promise<void> {
    const outcome = await run.finish(fields);
    this.#run = undefined;
    this.#runs += 1;
    switch (outcome) {
      case 'restored':
        this.#read.runs += 1;
        this.#kept.events += run.events;
        this.#kept.checkpoints += run.checkpoints;
        break;
      case 'exists':
        this.#refuse(run.id, fields.number);
        this.#read.skipped += 1;
        break;
      case 'incomplete':
        throw new UnavailableError(`Import of run ${run.id}, line ${fields.number}`, 'not-applied');
    }
    await this.#tell(run.id, run.record);
    this.#news();
  }

  async #tell(id: string, { parent }: RunRecord): Promise<void> {
    if (parent === undefined) return;
    // As it is here: one that was here already may have ended since its lines were written.
    const record = await this.#parts.store.record(id);
    if (record === undefined || !isEnded(record.status)) return;
    if ((await postEnd(this.#parts, record)) === 'missing') this.#notifyPending.push(id);
  }

  #refuse(run: string, line: number): void {
    if (this.#options.ifExists === 'skip') return;
    throw new RunError(
      'PAWL_RUN_EXISTS',
      run,
      `line ${line}: there is a run ${run} already, and it was left as it is. Runs before it are imported; ` +
        'with ifExists "skip", those that are there are passed over.',
    );
  }

  #count(kind: Line['kind']): void {
    if (kind === 'event') this.#read.events += 1;
    if (kind === 'checkpoint') this.#read.checkpoints += 1;
  }

  #news(): void {
    this.#options.onProgress?.({ ...this.#read });
  }
}
