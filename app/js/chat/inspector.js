// What was sent to the model for an answer, all of it.
import { el, several } from './dom.js';
import { place } from './mentions.js';

/** @typedef {import('./types').Turn} Turn */

const HOW = {
  Pointed: 'You pointed to these passages.',
  Found: 'Found by a search over the whole project.',
  NotFound: 'The search found nothing close enough to the question, so nothing was sent.',
};
const SPEAKERS = /** @type {Record<string, string>} */ ({ System: 'Instructions', User: 'You', Assistant: 'Model' });

/** @param {Turn} turn @param {(path: string, line: number) => void} onOpen */
export function inspector(turn, onOpen) {
  const { context } = turn;
  const sum = `What was sent: ${several(context.passages.length, 'passage')}, ${count(context.num_tokens)} of ${several(context.max_tokens, 'token')}`;
  const details = el('details', { class: 'chat-sent' }, el('summary', {}, sum));
  // Made when somebody looks: it is as long as the prompt.
  details.addEventListener('toggle', () => details.childElementCount === 1 && details.append(...content(turn, onOpen)), { once: true });
  return details;
}

/** @param {Turn} turn @param {(path: string, line: number) => void} onOpen */
function content({ context }, onOpen) {
  const passages = context.passages.map((passage) => {
    const where = place(passage.path, passage.start_line, passage.end_line);
    const facts = [
      passage.symbol,
      several(passage.num_tokens, 'token'),
      passage.score > 0 && `score ${passage.score.toFixed(2)}`,
      passage.is_cut && 'cut to fit',
    ];
    return el(
      'li',
      {},
      el('span', { class: 'muted' }, `[${passage.number}] `),
      el('button', { type: 'button', class: 'chat-cite', 'aria-label': `Open ${where}`, onclick: () => onOpen(passage.path, passage.start_line) }, where),
      el('span', { class: 'muted' }, ` ${facts.filter(Boolean).join(' · ')}`),
      verbatim('Text', passage.text),
    );
  });
  return [
    el('p', { class: 'muted' }, HOW[context.grounding]),
    passages.length > 0 && el('ol', { class: 'chat-passages' }, ...passages),
    context.left_out.length > 0 && el('p', {}, 'Left out:'),
    context.left_out.length > 0 && el('ul', { class: 'chat-left-out' }, ...context.left_out.map((sentence) => el('li', {}, sentence))),
    ...context.messages.map(({ speaker, text }) => verbatim(`${SPEAKERS[speaker] ?? speaker}, as sent`, text)),
  ].filter(/** @returns {part is HTMLElement} */ (part) => Boolean(part));
}

/** @param {string} name @param {string} text */
const verbatim = (name, text) => el('details', {}, el('summary', {}, name), el('pre', { class: 'chat-scroll', tabindex: '0', role: 'group', 'aria-label': name }, text));
const count = (/** @type {number} */ n) => n.toLocaleString('en');
