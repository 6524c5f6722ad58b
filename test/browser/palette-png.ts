/**
 * Pictures with a palette. A picture of a page has few colours: by a palette of 256 it takes a third of its bytes, and
 * looks the same. What is read is what Chromium writes: 8 bits for each of 3 or 4 channels, not interlaced.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `0xRRGGBB` of each. */
  readonly colours: Uint32Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const coloursMax = 256;
/** A colour of so large a part of a picture is kept exactly. */
const exactPart = 0.0002;

/** @throws Error for a picture of another kind. */
export function withPalette(png: Buffer): Buffer {
  const pixels = readPng(png);
  return writePng(pixels, paletteOf(pixels.colours));
}

export function readPng(png: Buffer): Pixels {
  if (!png.subarray(0, 8).equals(signature)) throw new Error('this is no PNG');
  const data: Buffer[] = [];
  let [width, height, channels] = [0, 0, 3];
  let palette: Buffer | undefined;
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      const [depth, colour, , , interlace] = body.subarray(8);
      const known = { 2: 3, 3: 1, 6: 4 }[colour ?? 0];
      if (depth !== 8 || known === undefined || interlace !== 0)
        throw new Error('a PNG of another kind');
      channels = known;
    }
    if (type === 'PLTE') palette = body;
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  const raw = unfiltered(inflateSync(Buffer.concat(data)), width * channels, channels);
  const colours = new Uint32Array(width * height);
  for (let i = 0; i < colours.length; i++) {
    const [from, at] = palette === undefined ? [raw, i * channels] : [palette, 3 * (raw[i] ?? 0)];
    colours[i] = from.readUIntBE(at, 3);
  }
  return { width, height, colours };
}

/** Each row says how its bytes are told by those before and above it. */
function unfiltered(filtered: Buffer, rowBytes: number, step: number): Buffer {
  const rows = filtered.length / (rowBytes + 1);
  const raw = Buffer.alloc(rows * rowBytes);
  for (let y = 0; y < rows; y++) {
    const filter = filtered[y * (rowBytes + 1)] ?? 0;
    for (let x = 0; x < rowBytes; x++) {
      const at = y * rowBytes + x;
      const left = x < step ? 0 : (raw[at - step] ?? 0);
      const up = y === 0 ? 0 : (raw[at - rowBytes] ?? 0);
      const corner = x < step || y === 0 ? 0 : (raw[at - rowBytes - step] ?? 0);
      raw[at] = (filtered[at + y + 1] ?? 0) + predicted(filter, left, up, corner);
    }
  }
  return raw;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const guess = left + up - corner;
      const [a, b, c] = [guess - left, guess - up, guess - corner].map(Math.abs) as [
        number,
        number,
        number,
      ];
      if (a <= b && a <= c) return left;
      return b <= c ? up : corner;
    }
    default:
      return 0;
  }
}

/** The colours that are used most, and those that are most used among the ones that are like them. */
function paletteOf(colours: Uint32Array): readonly number[] {
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const all = [...counts].toSorted(([, a], [, b]) => b - a);
  if (all.length <= coloursMax) return all.map(([colour]) => colour);
  const often = all.filter(([, count]) => count > colours.length * exactPart);
  const palette = often.slice(0, coloursMax / 2).map(([colour]) => colour);
  const known = new Set(palette.map(alike));
  for (const [colour] of all) {
    if (palette.length === coloursMax) break;
    if (known.has(alike(colour))) continue;
    known.add(alike(colour));
    palette.push(colour);
  }
  return palette;
}

/** The same for colours that differ in the last three bits of a channel. */
function alike(colour: number): number {
  return colour & 0xf8f8f8;
}

function writePng({ width, height, colours }: Pixels, palette: readonly number[]): Buffer {
  const index = new Map(palette.map((colour, i) => [colour, i]));
  const rows = Buffer.alloc(height * (width + 1));
  for (const [i, colour] of colours.entries()) {
    const known = index.get(colour) ?? nearest(colour, palette);
    index.set(colour, known);
    rows[i + Math.floor(i / width) + 1] = known;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8);
  const plte = Buffer.alloc(palette.length * 3);
  for (const [i, colour] of palette.entries()) plte.writeUIntBE(colour, i * 3, 3);
  const chunks = [
    chunk('IHDR', head),
    chunk('PLTE', plte),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

function nearest(colour: number, palette: readonly number[]): number {
  let [best, least] = [0, Infinity];
  for (const [i, one] of palette.entries()) {
    const far = [16, 8, 0].reduce((sum, shift) => {
      const difference = ((one >> shift) & 255) - ((colour >> shift) & 255);
      return sum + difference * difference;
    }, 0);
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
