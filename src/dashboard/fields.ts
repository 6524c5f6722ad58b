/**
 * Fields that a person fills in, and what comes back of them. Each field of a form is named `<kind>:<field>`. One that was
 * left empty is not in the value, so that the schema says whether it is needed.
 */
import { html } from 'hono/html';
import { InvalidError } from '../core/errors.ts';
import { fromTagged, toTagged } from '../core/tagged-json.ts';
import type { FieldKind } from '../engine/definition/zod-schema.ts';
import type { Html } from './html.ts';
import { visible } from './words.ts';

export type Form = Readonly<Record<string, unknown>>;

const lineLength = 60;

/** A field, with the text that is in it at first. */
export function fieldPart(name: string, kind: FieldKind, text = ''): Html {
  const title = visible(name);
  if (kind === 'json') {
    return html`<label class="wide"
      >${title}, as JSON <textarea name="json:${name}" spellcheck="false">${text}</textarea>
    </label>`;
  }
  if (kind === 'text') {
    const isLong = text.includes('\n') || text.length > lineLength;
    return isLong
      ? html`<label class="wide">${title} <textarea name="text:${name}">${text}</textarea></label>`
      : html`<label>${title} <input name="text:${name}" value="${text}" /></label>`;
  }
  if (kind === 'number') {
    return html`<label
      >${title} <input name="number:${name}" value="${text}" inputmode="decimal" autocomplete="off"
    /></label>`;
  }
  const [said, options] = kind === 'boolean' ? ['boolean', ['yes', 'no']] : ['text', kind];
  const choice = (one: string): Html =>
    one === text ? html`<option selected>${one}</option>` : html`<option>${one}</option>`;
  return html`<label
    >${title}
    <select name="${said}:${name}">
      <option value="">–</option>
      ${options.map(choice)}
    </select></label
  >`;
}

/** A field for any value, as JSON. */
export function jsonField(title: string, name: string, text: string): Html {
  return html`<label class="wide"
    >${title}, as JSON <textarea name="${name}" spellcheck="false">${text}</textarea>
  </label>`;
}

/** What a field says of a value at first. */
export function fieldText(kind: FieldKind, value: unknown): string {
  if (value === undefined) return '';
  if (kind === 'boolean') return value === true ? 'yes' : value === false ? 'no' : '';
  if (kind === 'number') return typeof value === 'number' ? String(value) : '';
  if (kind !== 'json') return typeof value === 'string' ? value : '';
  return JSON.stringify(toTagged(value), undefined, 2) ?? '';
}

/** How a value can be edited: as what its schema says, unless it is something else now. */
export function kindFor(kind: FieldKind, value: unknown): FieldKind {
  if (value === undefined || kind === 'json') return kind;
  const isText = typeof value === 'string';
  const fits =
    kind === 'text'
      ? isText
      : Array.isArray(kind)
        ? isText && kind.includes(value)
        : typeof value === kind;
  return fits ? kind : 'json';
}

/** The value of a form: its fields, or its one field `payload`. @throws InvalidError for what is no number or no JSON. */
export function valueOf(form: Form): unknown {
  if ('payload' in form) return parseJson(textOf(form, 'payload'), 'payload');
  return Object.fromEntries(
    fieldsIn(form)
      .filter(([, text]) => text !== '')
      .map(toEntry),
  );
}

/** Fields of a form, by their kinds, with their texts. */
export function fieldsIn(form: Form): readonly (readonly [string, string, string])[] {
  return Object.keys(form).flatMap((name) => {
    const [, kind = '', field = ''] = /^(text|number|boolean|json):(.+)$/su.exec(name) ?? [];
    return kind === '' ? [] : [[field, textOf(form, name), kind] as const];
  });
}

export function toEntry([field, text, kind]: readonly [string, string, string]): readonly [
  string,
  unknown,
] {
  if (kind === 'json') return [field, parseJson(text, field)];
  if (kind === 'boolean') return [field, text === 'yes'];
  if (kind !== 'number') return [field, text];
  if (Number.isFinite(Number(text))) return [field, Number(text)];
  throw new InvalidError(field, 'is not a number; nothing was sent.');
}

export function textOf(form: Form, field: string): string {
  const value = form[field];
  // A browser ends lines with two characters, whatever they ended with before.
  return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : '';
}

/** All values of a field that may be there more than once. */
export function textsOf(form: Form, field: string): readonly string[] {
  const value = form[field];
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((one) => typeof one === 'string');
}

/** @throws InvalidError naming the field. */
export function parseJson(text: string, field: string): unknown {
  try {
    return fromTagged(JSON.parse(text === '' ? 'null' : text));
  } catch {
    throw new InvalidError(field, 'is not JSON; nothing was sent.');
  }
}
