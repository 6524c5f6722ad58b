/** Colour, where a person looks at a terminal and has not asked for none. */
import { styleText } from 'node:util';

export type Paint = (style: 'red' | 'green' | 'yellow' | 'bold' | 'dim', text: string) => string;

export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  const { NO_COLOR = '' } = process.env;
  return stream.isTTY === true && NO_COLOR === '' ? styleText : (_style, text) => text;
}
