// The panel: which conversation is on show, what is asked, and what becomes of it.
import { withCode } from './apply.js';
import { path } from './branches.js';
import { Composer } from './composer.js';
import { done, el, push, several, tool } from './dom.js';
import { asMarkdown, fileName } from './export.js';
import { parts } from './mentions.js';
import { stateOf, TurnView } from './turn.js';

/** @typedef {import('./types').Turn} Turn @typedef {import('./types').Thread} Thread */
/** @typedef {import('./types').Mention} Mention @typedef {import('./types').Ask} Ask */

const NO_CONTEXT = { grounding: /** @type {const} */ ('Found'), passages: [], left_out: [], messages: [], num_tokens: 0, max_tokens: 0 };
const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Whether a turn has an answer that was not broken off. @param {Turn} turn */
const isWhole = (turn) => Boolean(turn.answer) && ['Complete', 'Length', 'Circle'].includes(/** @type {string} */ (turn.end));

export class Panel {
  /** @param {Ask} ask */
  constructor(ask) {
    this.ask = ask;
    this.workspace = 0;
    /** Name of the model, empty for none, undefined while it is not known. @type {string | undefined} */
    this.model = undefined;
    /** Says what did not work; screen readers hear it from `live`. */
    this.notice = el('p', { class: 'chat-notice' });
    /** What happens to an answer, for screen readers; each word of the answer would be too much. */
    this.live = el('p', { class: 'sr-only', role: 'status' });
    this.title = el('h2', {});
    this.saveTool = tool('download', 'Save the conversation as Markdown', () => this.save());
    this.listTool = tool('list', 'Conversations', () => this.showList(!this.isList), { 'aria-expanded': 'false' });
    this.turnsBox = el('div', { class: 'chat-turns' });
    this.listBox = el('div', { class: 'chat-list' });
    this.scroll = el('div', { class: 'panel-scroll', tabindex: '0', role: 'region', 'aria-label': 'Conversation' }, this.turnsBox, this.listBox);
    this.composer = new Composer(ask, {
      label: 'Question',
      onSend: (text, mentions) => {
        this.send(text, mentions);
        this.composer.set('', []);
        this.keep();
      },
      onStop: () => this.stop(),
      onChange: () => this.keep(),
    });
    this.root = el(
      'section',
      { class: 'chat', 'aria-label': 'Chat' },
      el('header', { class: 'panel-head' }, this.title, this.saveTool, this.listTool, tool('add', 'New conversation', () => this.begin(true))),
      this.scroll,
      this.notice,
      this.composer.element,
      this.live,
    );
    // Who reads at the end sees what is added there; who has scrolled away is left alone.
    this.isAtEnd = true;
    this.scroll.addEventListener('scroll', () => {
      this.isAtEnd = this.scroll.scrollTop + this.scroll.clientHeight > this.scroll.scrollHeight - 40;
    });
    new ResizeObserver(() => this.isAtEnd && this.toEnd()).observe(this.turnsBox);
    this.reset();
  }

  reset() {
    this.visit = {};
    /** @type {Thread[]} */
    this.threads = [];
    /** The answer that is being written, and its conversation. @type {{turn: Turn, thread: string} | null} */
    this.running = null;
    this.isList = false;
    this.composer.setBusy(false);
    this.composer.set('', []);
    this.begin(false);
  }

  // --- what the page calls ---

  /** @param {HTMLElement} host @param {number} workspace @param {string} kept */
  show(host, workspace, kept) {
    host.append(this.root);
    if (workspace !== this.workspace) {
      this.workspace = workspace;
      this.reset();
      this.restore(kept);
    }
    this.composer.grow();
    if (this.isAtEnd) this.toEnd();
  }

  /** @param {string} id of the turn, empty for the panel @param {string} kind @param {string} value */
  tell(id, kind, value) {
    const turn = this.running?.turn.id === id ? this.running.turn : undefined;
    if (kind === 'focus') this.composer.focus();
    else if (kind === 'threads') this.listThreads();
    else if (kind === 'deleted') {
      if (value === this.thread) this.begin(false);
      this.listThreads();
    } else if (kind === 'model') {
      this.model = value;
      this.draw();
    } else if (turn && turn.state !== 'stopping') {
      if (kind === 'context') {
        // It begins here, also where the engine had to begin again.
        Object.assign(turn, { context: JSON.parse(value), answer: '', state: 'reading' });
      } else {
        turn.answer += value;
        turn.state = 'writing';
      }
      this.changed(turn);
    }
  }

  // --- conversations ---

  /** @param {string} kept */
  async restore(kept) {
    const { visit } = this;
    /** @type {{thread?: string, draft?: string, mentions?: Mention[], chosen?: Record<string, string>}} */
    let state = {};
    try {
      state = kept ? JSON.parse(kept) : {};
    } catch {
      // Written by another version: the panel begins anew.
    }
    this.composer.set(state.draft ?? '', state.mentions ?? []);
    await this.listThreads();
    if (visit !== this.visit || !this.threads.some((thread) => thread.id === state.thread)) return;
    await this.openThread(String(state.thread), state.chosen ?? {});
  }

  keep() {
    const { thread, chosen, composer } = this;
    // With the workspace: another one may be open by now, whose own this must not replace.
    const kept = JSON.stringify({ thread, chosen, draft: composer.area.value, mentions: composer.mentions });
    this.ask('keep', [kept, String(this.workspace)]);
  }

  async listThreads() {
    const { visit } = this;
    const threads = await this.attempt(this.ask('threads', []));
    if (threads === undefined || visit !== this.visit) return;
    this.threads = JSON.parse(threads);
    this.draw();
  }

  /** An empty conversation; it exists from its first question on. @param {boolean} isAsked */
  begin(isAsked) {
    this.thread = crypto.randomUUID();
    /** @type {Turn[]} */
    this.turns = [];
    /** The branch that is wanted after a turn. @type {Record<string, string>} */
    this.chosen = {};
    /** @type {Map<string, TurnView>} */
    this.views = new Map();
    this.say('');
    this.showList(false);
    if (!isAsked) return;
    this.keep();
    this.composer.focus();
  }

  /** @param {string} id @param {Record<string, string>} [chosen] */
  async openThread(id, chosen = {}) {
    const { visit } = this;
    const turns = await this.attempt(this.ask('thread', [id]));
    if (turns === undefined || visit !== this.visit) return;
    this.begin(false);
    this.thread = id;
    this.chosen = chosen;
    this.turns = JSON.parse(turns);
    const { running } = this;
    if (running?.thread === id) this.turns = [...this.turns.filter((turn) => turn.id !== running.turn.id), running.turn];
    this.draw();
    this.isAtEnd = true;
    this.toEnd();
    this.keep();
  }

  /** @param {boolean} isList */
  showList(isList) {
    this.isList = isList;
    this.listTool.setAttribute('aria-expanded', String(isList));
    this.draw();
    if (isList) this.listThreads();
  }

  save() {
    const title = this.titleNow();
    const shown = path(this.turns, this.chosen).map(({ turn }) => turn);
    this.ask('save', [fileName(title), asMarkdown(title, shown)]);
  }

  titleNow() {
    return this.threads.find((thread) => thread.id === this.thread)?.title || this.turns[0]?.question.split('\n')[0] || 'Chat';
  }

  // --- questions and answers ---

  /** @param {string} question @param {Mention[]} mentions @param {string | null} [after] another place than the end: a branch */
  send(question, mentions, after) {
    if (this.running) return;
    // What failed before the engine knew of it cannot be followed.
    this.turns = this.turns.filter((turn) => !turn.isLost);
    const last = path(this.turns, this.chosen).at(-1)?.turn.id ?? null;
    /** @type {Turn} */
    const turn = {
      id: crypto.randomUUID(), after: after === undefined ? last : after, question, mentions, context: NO_CONTEXT, answer: '', citations: [],
      end: 'Stopped', model: null, asked_unix_ms: Date.now(), not_kept: '',
    };
    this.turns.push(turn);
    this.chosen[turn.after ?? ''] = turn.id;
    this.isAtEnd = true;
    this.run(turn);
  }

  /** Answer a question again, in the place of the answer that is there. @param {Turn} turn */
  again(turn) {
    if (!this.running) this.run(turn);
  }

  /** @param {Turn} turn */
  async run(turn) {
    const { visit, thread } = this;
    const before = { ...turn };
    Object.assign(turn, { context: NO_CONTEXT, answer: '', citations: [], end: 'Stopped', not_kept: '', state: 'searching', needsModel: false, isLost: false });
    this.running = { turn, thread };
    this.composer.setBusy(true);
    this.say('');
    this.showList(false);
    this.changed(turn);
    const { id, after, question, mentions } = turn;
    const wanted = [id, thread, after ?? '', question, ...mentions.flatMap(parts)];
    let ended;
    try {
      ended = JSON.parse(await this.ask('ask', wanted));
    } catch (err) {
      const { code, message } = /** @type {Error & {code?: string}} */ (err);
      if (visit !== this.visit) return;
      // Where nothing new was written, the answer before is still the one that is kept.
      const isBefore = Boolean(before.answer) && (!turn.answer || isWhole(before));
      if (code === 'Cancelled') ended = (await this.stopped(thread, before)) ?? (isBefore ? before : { end: 'Stopped' });
      else if (isBefore) {
        ended = before;
        this.say(message);
      } else ended = { end: { Failed: message }, needsModel: code === 'ModelMissing' || code === 'Unsupported', isLost: !before.answer };
    }
    if (visit !== this.visit) return;
    // A whole answer is kept until there is another, and so it is shown.
    const failed = typeof ended.end === 'object' ? ended.end.Failed : '';
    if (failed && isWhole(before)) {
      ended = before;
      this.say(failed);
    }
    this.running = null;
    this.composer.setBusy(false);
    Object.assign(turn, ended, { state: undefined });
    this.changed(turn);
    this.live.textContent = turn.end === 'Complete' ? 'The answer is complete.' : 'The answer has ended.';
    this.keep();
    this.listThreads();
  }

  /**
   * What was kept of an answer that was stopped; it is written down while we ask. It may have ended by itself meanwhile.
   * Half an answer never takes the place of a whole one.
   * @param {string} thread @param {Turn} before
   */
  async stopped(thread, before) {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      /** @type {Turn[]} */
      const turns = JSON.parse(await this.ask('thread', [thread]).catch(() => '[]'));
      const turn = turns.find((kept) => kept.id === before.id);
      if (turn && (turn.end === 'Stopped' || turn.asked_unix_ms !== before.asked_unix_ms)) return turn;
      if (turn && isWhole(turn)) return undefined;
      await wait(150);
    }
    return undefined;
  }

  stop() {
    if (!this.running) return;
    this.running.turn.state = 'stopping';
    this.changed(this.running.turn);
    this.ask('stop', [this.running.turn.id]);
  }

  /** Show another branch. @param {Turn} turn @param {string} id */
  choose(turn, id) {
    const key = turn.after !== null && this.turns.some((known) => known.id === turn.after) ? turn.after : '';
    this.chosen[key] = id;
    this.draw();
    this.keep();
    /** @type {HTMLElement | null | undefined} */ (this.views.get(id)?.element.querySelector('.chat-branches .tool'))?.focus();
  }

  // --- code and places ---

  /** @param {string} file @param {number} line zero-based */
  open(file, line) {
    this.ask('open', [file, String(line)]);
  }

  /** @param {string} text @param {HTMLElement} button */
  async copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
      done(button, 'Copied');
      this.live.textContent = 'Copied.';
    } catch {
      this.say('The browser did not allow copying. Select the text and copy it by hand.');
    }
  }

  /** Propose code for a file: the active one, or one that the answer is about. @param {string} code @param {Turn} turn @param {HTMLElement} where */
  async apply(code, turn, where) {
    if (!where.hidden) {
      where.hidden = true;
      return;
    }
    const active = await this.ask('path', []);
    const mentioned = turn.mentions.flatMap((mention) => ('Path' in mention && !mention.Path.endsWith('/') ? [mention.Path] : []));
    const files = [...new Set([active, ...turn.citations.map((cited) => cited.path), ...mentioned])].filter(Boolean).slice(0, 6);
    if (files.length === 0) return this.say('Open the file that this code is for, then apply it again.');
    if (files.length === 1) return this.applyTo(files[0], code);
    where.replaceChildren('Apply to ', ...files.map((file) => el('button', { type: 'button', class: 'link', onclick: () => this.applyTo(file, code) }, file)));
    where.hidden = false;
    /** @type {HTMLElement | null} */ (where.querySelector('button'))?.focus();
  }

  /** @param {string} file @param {string} code */
  async applyTo(file, code) {
    const text = await this.attempt(this.ask('text', [file]));
    if (text === undefined) return;
    const [definitions, active, lines] = await Promise.all([this.ask('definitions', [file]).catch(() => '[]'), this.ask('path', []), this.ask('selection', [])]);
    const selected = active === file && lines ? JSON.parse(lines) : null;
    const proposal = withCode(text, code, JSON.parse(definitions), selected && { start: selected.start_line, end: selected.end_line });
    if (proposal.text === text) return this.say(`${file} says this already.`);
    this.say(proposal.isPlaced ? '' : `No line of this code stands in ${file} in one place only, so it is proposed ${selected ? 'below the caret' : 'at the end'}.`);
    this.ask('apply', [file, text, proposal.text]);
  }

  // --- what is on show ---

  /** @param {string} sentence */
  say(sentence) {
    this.notice.textContent = sentence;
    if (sentence) this.live.textContent = sentence;
    this.notice.hidden = !sentence;
  }

  /** Say what went wrong, and give nothing then. @param {Promise<string>} promise @returns {Promise<string | undefined>} */
  async attempt(promise) {
    try {
      return await promise;
    } catch (err) {
      const { code, message } = /** @type {Error & {code?: string}} */ (err);
      if (code !== 'Cancelled') this.say(message);
      return undefined;
    }
  }

  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /** @param {Turn} turn */
  changed(turn) {
    // Another conversation may be on show.
    if (!this.turns.includes(turn)) return;
    const state = stateOf(turn);
    if (state && this.live.textContent !== state) this.live.textContent = state;
    if (!turn.state || !this.views.has(turn.id)) this.draw();
    this.views.get(turn.id)?.update(turn);
  }

  draw() {
    const shown = path(this.turns, this.chosen);
    const isEmpty = shown.length === 0;
    this.title.textContent = this.isList ? 'Conversations' : this.titleNow();
    this.title.title = this.title.textContent;
    this.saveTool.hidden = isEmpty || this.isList;
    this.turnsBox.hidden = this.isList;
    this.listBox.hidden = !this.isList;
    this.scroll.setAttribute('aria-label', this.isList ? 'Conversations' : 'Conversation');
    if (this.isList) {
      const buttons = () => [...this.listBox.querySelectorAll('button')];
      const focused = buttons().indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
      this.listBox.replaceChildren(...this.listRows());
      buttons()[Math.min(focused, buttons().length - 1)]?.focus();
    }
    const elements = shown.map(({ turn, branches }) => {
      let view = this.views.get(turn.id);
      if (!view) {
        view = new TurnView(this, turn, branches);
        this.views.set(turn.id, view);
      } else if (String(view.branches) !== String(branches)) view.drawQuestion(branches);
      return view.element;
    });
    const now = isEmpty ? [this.emptyState()] : elements;
    // What stays where it is keeps its focus and its place.
    const same = now.length === this.turnsBox.childElementCount && now.every((element, at) => element === this.turnsBox.children[at]);
    if (!same) this.turnsBox.replaceChildren(...now);
  }

  emptyState() {
    const choose = push('Choose a model', () => this.ask('run', ['app.models']), this.model === '' ? 'primary' : '');
    return el(
      'div',
      { class: 'panel-empty' },
      el('p', {}, 'Ask where something is, how it works, or how to change it. Your files are searched for it, and a language model on this device answers from what was found, with links to the lines.'),
      el('p', {}, 'Everything stays on this device. Small models make mistakes: check what they say against the lines that they name.'),
      this.model ? el('p', {}, `Answers are written by ${this.model}.`) : el('p', {}, this.model === '' ? 'No model is loaded yet. Choose one to begin.' : 'Answers need a model that is loaded.'),
      !this.model && el('div', { class: 'chat-actions' }, choose),
    );
  }

  listRows() {
    if (this.threads.length === 0) return [el('p', { class: 'panel-empty' }, 'There are no conversations about this project yet.')];
    const rows = this.threads.map(({ id, title, num_turns, asked_unix_ms }) => {
      const when = new Date(asked_unix_ms).toLocaleDateString(undefined, { dateStyle: 'medium' });
      return el(
        'li',
        { class: id === this.thread ? 'chat-row current' : 'chat-row' },
        el(
          'button',
          { type: 'button', class: 'chat-row-open', 'aria-current': id === this.thread ? 'true' : undefined, onclick: () => this.openThread(id) },
          el('span', { class: 'chat-row-title' }, title),
          el('span', { class: 'muted' }, `${several(num_turns, 'question')} · ${when}`),
        ),
        tool('pencil', `Rename ${title}`, () => this.ask('rename', [id, title])),
        tool('trash', `Delete ${title}`, () => this.ask('delete', [id, title])),
      );
    });
    return [el('ul', { 'aria-label': 'Conversations' }, ...rows)];
  }
}
