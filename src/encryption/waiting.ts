/**
 * What a wait carries for the person who answers, and who has sent a message: text of people, so it is sealed. Names, times
 * and keys are not: runs are found and woken by them. Only a picture for people: where it cannot be read it says so.
 */
import type { Cipher, Place } from '../core/cipher.ts';
import { PawlError } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import type { Wait } from '../core/waits.ts';
import { actorPlace, waitPlace } from './places.ts';
import { openText, sealText } from './text.ts';

const parts = ['label', 'form'] as const;

export function sealWaits(cipher: Cipher, run: string, waits: readonly Wait[]): readonly Wait[] {
  return changed(run, waits, (text, place) => sealText(cipher, text, place));
}

export function openWaits(cipher: Cipher, run: string, waits: readonly Wait[]): readonly Wait[] {
  return changed(run, waits, (text, place) => openOrSay(cipher, text, place));
}

export function sealActor<T extends Omit<Message, 'at'>>(cipher: Cipher, run: string, about: T): T {
  const { actor } = about;
  if (actor === undefined) return about;
  return { ...about, actor: sealText(cipher, actor, actorPlace(run, about)) };
}

export function openActor(cipher: Cipher, run: string, message: Message): Message {
  const { actor } = message;
  if (actor === undefined) return message;
  return { ...message, actor: openOrSay(cipher, actor, actorPlace(run, message)) };
}

/** Text that cannot be opened is shown as the code that says why. */
export function openOrSay(cipher: Cipher, text: string, place: Place): string {
  try {
    return openText(cipher, text, place);
  } catch (error) {
    return PawlError.is(error) ? error.code : 'PAWL_CORRUPT';
  }
}

function changed(
  run: string,
  waits: readonly Wait[],
  change: (text: string, place: Place) => string,
): readonly Wait[] {
  return waits.map((wait) => {
    const texts = parts.flatMap((part) => {
      const text = wait[part];
      return text === undefined ? [] : [[part, change(text, waitPlace(run, wait, part))] as const];
    });
    return texts.length === 0 ? wait : { ...wait, ...Object.fromEntries(texts) };
  });
}
