/**
 * The page. It keeps the id of its conversation, so a tab that is loaded anew goes on with the answer that is under way. All
 * that comes from the model is put in as text, never as HTML.
 */
import { Transcript } from './transcript.js';

const at = (id) => document.getElementById(id);
const messages = at('messages');
const id = (localStorage.chat ??= `chat-${crypto.randomUUID()}`);
let turn = 0;
let isAnswering = false;

function element(name, className, text = '') {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.textContent = text;
  return made;
}

async function call(path, body) {
  const headers = { 'Content-Type': 'application/json' };
  const asked = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(`/api/${id}${path}`, asked);
  const said = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw new Error(said.error);
  return said;
}

/** What goes wrong is shown. */
async function attempt(work) {
  at('problem').textContent = '';
  try {
    await work();
  } catch (error) {
    at('problem').textContent = error.message;
  }
}

const shown = (work) => (event) => {
  event.preventDefault();
  void attempt(work);
};

function add(role) {
  const item = element('li', role);
  messages.append(item);
  return item;
}

const words = {
  called: 'is at work',
  asked: 'needs your yes',
  answered: 'is at work',
  done: 'is done',
  failed: 'has failed',
  refused: 'was refused',
};

function toolCard(part, redraw) {
  const card = element(
    'div',
    'tool',
    `${part.tool} ${JSON.stringify(part.input)} ${words[part.state]}`,
  );
  if (part.state !== 'asked') return card;
  const choice = element('div', 'choice');
  for (const [approved, text] of [
    [true, 'Yes'],
    [false, 'No'],
  ]) {
    const button = element('button', '', text);
    button.type = 'button';
    button.addEventListener(
      'click',
      shown(async () => {
        await call('/approval', { wait: part.approval, approved });
        part.state = 'answered';
        redraw();
      }),
    );
    choice.append(button);
  }
  card.append(choice);
  return card;
}

function draw(item, transcript, note) {
  const redraw = () => draw(item, transcript, note);
  const drawn = transcript.parts.map((part) => {
    if (part.kind === 'tool') return toolCard(part, redraw);
    return element('p', part.kind === 'error' ? 'error' : '', part.text);
  });
  item.replaceChildren(...drawn, ...(note.text === '' ? [] : [element('p', 'note', note.text)]));
}

/** Reads the answer to a turn. The browser connects anew by itself, and says which chunk was its last. */
function read() {
  const item = add('assistant');
  const transcript = new Transcript();
  const note = { text: '' };
  let lastAt;
  const source = new EventSource(`/api/${id}/${turn}/answer`);
  setAnswering(true);
  source.addEventListener('message', ({ data }) => {
    if (data === '[DONE]') {
      source.close();
      return;
    }
    const chunk = JSON.parse(data);
    const now = performance.now();
    transcript.add(chunk);
    if (chunk.type === 'reset-step') {
      const gap = Math.round(now - (lastAt ?? now));
      note.text = `Its worker was killed. Another one goes on, ${gap} ms after the last word.`;
    }
    lastAt = now;
    draw(item, transcript, note);
    item.scrollIntoView({ block: 'nearest' });
    if (!transcript.isOver) return;
    source.close();
    turn += 1;
    setAnswering(false);
  });
}

function setAnswering(is) {
  isAnswering = is;
  at('send').disabled = is;
  for (const sample of at('samples').children) sample.disabled = is;
  void look();
}

async function look() {
  const { worker, workers } = await call('/worker');
  at('kill').disabled = worker === undefined;
  const idle = `${workers} workers wait. The conversation holds none of them.`;
  at('fleet').textContent = worker === undefined ? idle : `${worker} of ${workers} answers.`;
}

const ask = shown(async () => {
  const text = at('text').value.trim();
  if (text === '' || isAnswering) return;
  await call(`/${turn}/question`, { text });
  at('text').value = '';
  add('user').append(element('p', '', text));
  read();
});

at('ask').addEventListener('submit', ask);
for (const sample of at('samples').children) {
  sample.addEventListener('click', (event) => {
    at('text').value = sample.textContent;
    ask(event);
  });
}
at('kill').addEventListener(
  'click',
  shown(async () => {
    await call('/kill', {});
    await look();
  }),
);

await attempt(async () => {
  const known = await call('');
  for (const { role, content } of known.messages) add(role).append(element('p', '', content));
  turn = known.turn;
  if (known.asked !== '') {
    add('user').append(element('p', '', known.asked));
    read();
  }
});
setInterval(() => void look().catch(() => undefined), 500);
