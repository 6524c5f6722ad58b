/** What `cmsgpack.pack` of Redis makes of lists of texts, in its longest form: for tests that have the texts themselves. */

export function packedText(text: Buffer): Buffer {
  return Buffer.concat([headOf(0xdb, text.length), text]);
}

export function packedList(items: readonly Buffer[]): Buffer {
  return Buffer.concat([headOf(0xdd, items.length), ...items]);
}

type Texts = Buffer | readonly Texts[];

/** Texts in lists in lists, such as the answer to XRANGE. */
export function packed(texts: Texts): Buffer {
  return Buffer.isBuffer(texts) ? packedText(texts) : packedList(texts.map(packed));
}

function headOf(kind: number, length: number): Buffer {
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32BE(length, 1);
  return head;
}
