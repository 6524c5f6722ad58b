/**
 * The log of a run: events.jsonl, one event per line, only ever appended to.
 *
 *   {"seq":3,"fence":17,"at":"…","type":"page.read","data":{…},"more":1}
 *
 * `more` says how many lines of the same save follow, so that a save of several events is there wholly or not at all.
 *
 * Crash in the middle of an append: the file ends with part of a line, or within a save. Nobody was told that it is stored;
 * readers stop in front of it, and the next claim cuts it off. A line that ends as it should and cannot be read, or is not
 * the next one, was damaged by something else: it is named, with its number, and nothing is skipped.
 */
import { constants, createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { decode } from '../core/codec.ts';
import { CorruptionError } from '../core/errors.ts';
import type { NewEvent, RunEvent } from '../core/event.ts';
import type { Disk } from './disk.ts';
import { fromTagged, toTagged } from '../core/tagged-json.ts';

/** A place between two lines. */
export interface LogPlace {
  /** The seq of the line before it. */
  readonly seq: number;
  /** Bytes up to it. */
  readonly bytes: number;
}

export const logStart: LogPlace = { seq: 0, bytes: 0 };

const newline = 0x0a;

/** Lines of one save, as text. */
export function formatEvents(
  events: readonly NewEvent[],
  { seq, fence, at }: { readonly seq: number; readonly fence: number; readonly at: Date },
): string {
  return events
    .map(({ type, data, branch }, i) => {
      const more = events.length - 1 - i;
      return `${JSON.stringify({
        seq: seq + 1 + i,
        fence,
        at: at.toISOString(),
        type,
        ...(branch === undefined ? {} : { branch }),
        ...(more === 0 ? {} : { more }),
        data: toTagged(decode(data, { key: type })),
      })}\n`;
    })
    .join('');
}

/** @throws CorruptionError when the file does not end at `place`: somebody who holds no claim has changed it. */
export async function checkEnd(path: string, place: LogPlace): Promise<void> {
  const { size } = await stat(path);
  if (size === place.bytes) return;
  throw new CorruptionError({ key: path }, `has ${size} bytes instead of ${place.bytes}`);
}

export async function append(disk: Disk, path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_APPEND);
  try {
    await file.appendFile(text);
    await disk.sync(file);
  } finally {
    await file.close();
  }
}

/** Cuts off what comes after a place. */
export async function cut(disk: Disk, path: string, place: LogPlace): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.truncate(place.bytes);
    await disk.sync(file);
  } finally {
    await file.close();
  }
}

/** What a crash left behind the last whole save. */
export interface Torn {
  readonly bytes: number;
  /** Its beginning, for the note. */
  readonly text: string;
}

/** How reading a log ended. */
export interface LogEnd {
  readonly place: LogPlace;
  readonly torn: Torn | undefined;
}

/**
 * The events after a place. Returns where the log ends.
 * @throws CorruptionError naming file and line.
 */
export async function* readEvents(
  path: string,
  from: LogPlace = logStart,
): AsyncGenerator<RunEvent, LogEnd, undefined> {
  let place = from;
  let { bytes } = from;
  let rest: Buffer = Buffer.alloc(0);
  let save: RunEvent[] = [];
  for await (const chunk of createReadStream(path, { start: from.bytes })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let begin = 0;
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline, begin)) {
      const line = rest.subarray(begin, end);
      const { event, more } = await readLine(path, bytes, line, place.seq + save.length + 1);
      save.push(event);
      begin = end + 1;
      bytes += line.length + 1;
      if (more > 0) continue;
      place = { seq: event.seq, bytes };
      yield* save;
      save = [];
    }
    rest = rest.subarray(begin);
  }
  const tornBytes = bytes + rest.length - place.bytes;
  if (tornBytes === 0) return { place, torn: undefined };
  const text = save.length > 0 ? `a save of ${save.length} whole lines and more` : String(rest);
  return { place, torn: { bytes: tornBytes, text: text.slice(0, 200) } };
}

async function readLine(
  path: string,
  at: number,
  line: Buffer,
  seq: number,
): Promise<{ readonly event: RunEvent; readonly more: number }> {
  try {
    const { data, ...rest } = JSON.parse(line.toString('utf8')) as Record<string, unknown>;
    const { fence, at: time, type, branch, more = 0 } = rest;
    if (rest['seq'] !== seq) throw new TypeError(`its seq is ${String(rest['seq'])}, not ${seq}`);
    if (typeof type !== 'string' || typeof fence !== 'number' || typeof time !== 'string') {
      throw new TypeError('it is no event');
    }
    const event = { seq, type, data: fromTagged(data), at: new Date(time), fence };
    const hasBranch = typeof branch === 'string';
    return { event: hasBranch ? { ...event, branch } : event, more: Number(more) };
  } catch (error) {
    const number = (await linesBefore(path, at)) + 1;
    const why = error instanceof Error ? error.message : String(error);
    throw new CorruptionError({ key: `${path}, line ${number}` }, `cannot be read: ${why}`, error);
  }
}

async function linesBefore(path: string, bytes: number): Promise<number> {
  let lines = 0;
  if (bytes === 0) return lines;
  for await (const chunk of createReadStream(path, { end: bytes - 1 })) {
    for (const byte of chunk as Buffer) if (byte === newline) lines += 1;
  }
  return lines;
}
