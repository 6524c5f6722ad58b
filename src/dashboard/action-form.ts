/**
 * A form that changes something: it names what it does, asks before it destroys, and shows what would do the same on the
 * command line. It needs no script.
 */
import { html } from 'hono/html';
import { commandPart } from './command-line.ts';
import type { Html } from './html.ts';
import { visible } from './words.ts';

export interface ActionForm {
  /** Where it is sent. */
  readonly to: string;
  readonly token: string;
  /** On the button. */
  readonly verb: string;
  readonly fields?: Html;
  /** What is asked before it is done, for what cannot be undone. */
  readonly question?: string;
  /** The same on the command line; undefined where there is no such command. */
  readonly command?: string;
}

export function actionForm({ to, token, verb, fields, question, command }: ActionForm): Html {
  const sure =
    question === undefined
      ? ''
      : html`<label class="sure"
          ><input type="checkbox" name="sure" value="yes" required /> ${visible(question)}</label
        >`;
  return html`<form method="post" action="${to}" class="${question === undefined ? '' : 'danger'}">
    <input type="hidden" name="token" value="${token}" />${fields ?? ''}${sure}
    <button>${verb}</button>
    ${command === undefined ? '' : commandPart(command, 'The same on the command line')}
  </form>`;
}

/** A form that takes room is opened first. */
export function folded(title: string | Html, form: Html, isOpen = false): Html {
  return isOpen
    ? html`<details class="act" open>
        <summary>${title}</summary>
        ${form}
      </details>`
    : html`<details class="act">
        <summary>${title}</summary>
        ${form}
      </details>`;
}

export function reasonField(): Html {
  return html`<label>Reason <input name="reason" maxlength="2000" /></label>`;
}
