// One question with its answer.
import { Answer } from './answer.js';
import { Composer } from './composer.js';
import { el, push, several, tool } from './dom.js';
import { ending } from './export.js';
import { inspector } from './inspector.js';
import { label, place } from './mentions.js';

/** @typedef {import('./types').Turn} Turn @typedef {import('./panel.js').Panel} Panel */

const NOTHING =
  'Nothing in this project is close enough to your question, so the model was not asked: it could only have invented an answer. Point to a file or a definition with @, or use words that stand in the code. While the index is still being built, asking again later helps too.';

/** Places named above an answer; all of them are in the list of what was sent. */
const MAX_SOURCES = 4;

/** What is happening to an answer, for eyes and ears. @param {Turn} turn */
export function stateOf(turn) {
  switch (turn.state) {
    case 'searching':
      return 'Searching the project…';
    case 'reading':
      return turn.context.passages.length > 0 ? `Reading ${several(turn.context.passages.length, 'passage')}…` : 'Reading the question…';
    case 'writing':
      return 'Writing…';
    case 'stopping':
      return 'Stopping…';
    default:
      return '';
  }
}

/** Shows a turn; `update` after it changed. */
export class TurnView {
  /** @param {Panel} panel @param {Turn} turn @param {string[]} branches */
  constructor(panel, turn, branches) {
    this.panel = panel;
    this.turn = turn;
    this.question = el('div', { class: 'chat-question' });
    this.state = el('p', { class: 'chat-state' });
    this.answer = new Answer({
      onOpen: (cited) => panel.open(cited.path, cited.start_line),
      codeTools: (code) => this.codeTools(code),
      sent: () => [this.turn.question, ...this.turn.context.messages.map(({ text }) => text), ...this.turn.context.passages.map(({ text }) => text)].join('\n'),
    });
    this.sources = el('div', { class: 'chat-sources' });
    this.foot = el('div', { class: 'chat-foot' });
    this.element = el('article', { class: 'chat-turn', 'aria-label': `Question: ${turn.question.slice(0, 80)}` }, this.question, this.sources, this.state, this.answer.element, this.foot);
    this.drawQuestion(branches);
    this.update(turn);
  }

  /** @param {string[]} branches */
  drawQuestion(branches) {
    const { turn, panel } = this;
    this.branches = branches;
    const at = branches.indexOf(turn.id);
    const step = (/** @type {number} */ by) => panel.choose(turn, branches[(at + by + branches.length) % branches.length]);
    const switcher =
      branches.length > 1 &&
      el(
        'span',
        { class: 'chat-branches', role: 'group', 'aria-label': `Version ${at + 1} of ${branches.length} of this question` },
        tool('left', 'Version before', () => step(-1)),
        el('span', {}, `${at + 1}/${branches.length}`),
        tool('right', 'Next version', () => step(1)),
      );
    this.question.replaceChildren(
      el('p', { class: 'chat-asked' }, turn.question),
      el('div', { class: 'chat-tools' }, switcher || null, tool('pencil', 'Edit the question', () => this.edit())),
    );
    if (turn.mentions.length > 0) {
      this.question.append(el('ul', { class: 'chat-chips', 'aria-label': 'Mentioned' }, ...turn.mentions.map((mention) => el('li', { class: 'chat-chip' }, el('span', { title: label(mention) }, label(mention))))));
    }
  }

  /** The question becomes a field; what is sent from it is another branch. */
  edit() {
    const { panel, turn } = this;
    const back = () => {
      this.drawQuestion(this.branches ?? [turn.id]);
      /** @type {HTMLElement | null} */ (this.question.querySelector('.chat-tools .tool:last-child'))?.focus();
    };
    const field = new Composer(panel.ask, {
      label: 'The question, changed',
      onCancel: back,
      onStop: () => {},
      onSend: (text, mentions) => {
        if (panel.running) return;
        back();
        panel.send(text, mentions, turn.after);
      },
    });
    field.set(turn.question, [...turn.mentions]);
    this.question.replaceChildren(field.element);
    field.grow();
    field.focus();
  }

  /** @param {Turn} turn */
  update(turn) {
    this.turn = turn;
    const state = stateOf(turn);
    this.element.setAttribute('aria-busy', String(Boolean(state)));
    this.drawSources();
    this.state.hidden = !state;
    this.state.replaceChildren(el('span', { class: 'spinner', 'aria-hidden': 'true' }), ` ${state}`);
    if (state) {
      this.foot.replaceChildren();
      this.foot.hidden = true;
      if (turn.answer) this.answer.grow(turn.answer);
      else this.answer.clear();
      return;
    }
    this.answer.settle(turn);
    this.foot.hidden = false;
    this.foot.replaceChildren(...this.footer());
  }

  /** The best of what was found, to be opened before the first word is written and whatever the model makes of it. */
  drawSources() {
    const { panel, turn } = this;
    const { passages } = turn.context;
    this.sources.hidden = passages.length === 0;
    if (this.drawn === turn.context) return;
    this.drawn = turn.context;
    // Of a long definition several passages may have been sent.
    const isFirst = (/** @type {typeof passages[0]} */ one, /** @type {number} */ at) => passages.findIndex(({ path, symbol }) => path === one.path && symbol === one.symbol) === at;
    const links = passages.filter(isFirst).slice(0, MAX_SOURCES).map((passage) => {
      const full = place(passage.path, passage.start_line, passage.end_line);
      const name = passage.symbol || passage.path.split('/').at(-1) || passage.path;
      return el(
        'button',
        { type: 'button', class: 'chat-source', title: full, onclick: () => panel.open(passage.path, passage.start_line) },
        name,
        el('span', { class: 'muted' }, passage.symbol ? ` ${passage.path.split('/').at(-1)}:${passage.start_line + 1}` : `:${passage.start_line + 1}`),
      );
    });
    const what = turn.context.grounding === 'Pointed' ? 'You pointed to' : 'Found in';
    this.sources.replaceChildren(el('span', { class: 'muted' }, what), ...links);
  }

  footer() {
    const { panel, turn } = this;
    const failed = typeof turn.end === 'object';
    const note = turn.end === 'NothingFound' ? NOTHING : ending(turn.end);
    const again = () => panel.again(turn);
    const tools = el('div', { class: 'chat-tools' });
    if (turn.answer) {
      const copy = tool('copy', 'Copy the answer', () => panel.copy(turn.answer, copy));
      tools.append(copy);
    }
    tools.append(tool('refresh', 'Answer again', again));
    if (turn.model) tools.append(el('span', { class: 'muted' }, turn.model.model));
    return [
      note && el('p', { class: failed ? 'chat-note error' : 'chat-note' }, note),
      turn.not_kept && el('p', { class: 'chat-note' }, `This answer is not kept. ${turn.not_kept}`),
      failed && el('div', { class: 'chat-actions' }, push('Try again', again), (turn.needsModel || panel.model === '') && push('Choose a model', () => panel.ask('run', ['app.models']), 'primary')),
      tools,
      turn.context.messages.length + turn.context.passages.length + turn.context.left_out.length > 0 && inspector(turn, (path, line) => panel.open(path, line)),
    ].filter(/** @returns {part is HTMLElement} */ (part) => Boolean(part));
  }

  /** What can be done with code of the answer. @param {string} code @returns {Node[]} */
  codeTools(code) {
    const { panel } = this;
    const copy = tool('copy', 'Copy the code', () => panel.copy(code, copy));
    const where = el('div', { class: 'chat-targets', hidden: true });
    const apply = tool('apply', 'Apply to a file…', () => panel.apply(code, this.turn, where));
    return [copy, tool('insert', 'Insert at the caret', () => panel.ask('insert', [code])), apply, where];
  }
}
