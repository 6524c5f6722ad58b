// Goal: a picture with a palette shows what the picture showed. Method: a picture whose rows are filtered in each way.
import { crc32, deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readPng, withPalette } from '../browser/palette-png.ts';

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const ends = [body.length, crc32(named)].map((number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return bytes;
  });
  return Buffer.concat([ends[0] ?? Buffer.alloc(0), named, ends[1] ?? Buffer.alloc(0)]);
}

/** Of three channels; each row comes with its filter. */
function png(width: number, rows: readonly (readonly number[])[]): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(rows.length, 4);
  head.set([8, 2], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.from(rows.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('each filter is undone, and few colours stay exactly', () => {
  const picture = png(2, [
    [0, 10, 20, 30, 40, 50, 60],
    [1, 1, 2, 3, 1, 1, 1],
    [2, 1, 1, 1, 0, 0, 0],
    [3, 5, 5, 5, 1, 2, 3],
    [4, 1, 0, 0, 2, 0, 0],
  ]);
  const { colours } = readPng(picture);
  const hex = [...colours].map((colour) => colour.toString(16).padStart(6, '0'));
  const rows = [
    '0a141e 28323c',
    '010203 020304',
    '020304 020304',
    '060607 050608',
    '070607 080608',
  ];
  expect(hex).toEqual(rows.flatMap((row) => row.split(' ')));
  const small = withPalette(picture);
  expect(small[25]).toBe(3);
  expect([...readPng(small).colours]).toEqual([...colours]);
});

test('of many colours, those that are used most stay exactly, and others come close', () => {
  const pixels = Array.from({ length: 900 }, (_, i) => (i < 500 ? 0xf5f6f8 : i * 4_321));
  const row = pixels.flatMap((one) => [one >> 16, (one >> 8) & 255, one & 255]);
  const { colours } = readPng(withPalette(png(900, [[0, ...row]])));
  expect(new Set(colours).size).toBeLessThanOrEqual(256);
  expect(colours.slice(0, 500).every((one) => one === 0xf5f6f8)).toBe(true);
  for (const [i, one] of pixels.entries()) {
    for (const shift of [16, 8, 0]) {
      const far = Math.abs(((one >> shift) & 255) - (((colours[i] ?? 0) >> shift) & 255));
      expect(far).toBeLessThan(64);
    }
  }
});

test('another kind of file is refused', () => {
  expect(() => withPalette(Buffer.from('GIF89a'))).toThrow('no PNG');
});
