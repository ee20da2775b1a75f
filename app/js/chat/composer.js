// The field for a question, with what it points to.
import { el, icon, tool } from './dom.js';
import { label, meant, named, same, typed } from './mentions.js';

/** @typedef {import('./types').Mention} Mention @typedef {import('./types').Ask} Ask */
/** @typedef {{name: string, where: string, mention: Mention}} Offer */

let count = 0;

/** A field that grows, chips for what is mentioned, and a list that opens behind an `@`. */
export class Composer {
  /**
   * @param {Ask} ask @param {{label: string, onSend: (text: string, mentions: Mention[]) => void, onStop: () => void, onChange?: () => void, onCancel?: () => void}} how
   */
  constructor(ask, how) {
    count += 1;
    this.ask = ask;
    this.how = how;
    this.id = `chat-offers-${count}`;
    /** @type {Mention[]} */
    this.mentions = [];
    /** @type {Offer[]} */
    this.offers = [];
    this.at = 0;
    /** Counts what was looked up, and says for which of it the list stands. */
    this.lookups = 0;
    this.shown = 0;
    this.looking = Promise.resolve();
    this.isBusy = false;
    /** Paths that were offered: a name among them is a file. @type {Set<string>} */
    this.paths = new Set();
    this.chips = el('ul', { class: 'chat-chips', 'aria-label': 'Mentioned' });
    this.area = /** @type {HTMLTextAreaElement} */ (
      el('textarea', {
        rows: '1', 'aria-label': how.label, placeholder: 'Ask about this project. @ points to a file or a definition.',
        'aria-autocomplete': 'list', 'aria-controls': this.id, spellcheck: 'true', maxlength: '20000',
        oninput: () => this.changed(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
        onclick: () => this.offer(), onblur: () => this.close(),
      })
    );
    this.list = el('div', { id: this.id, class: 'chat-offers', role: 'listbox', 'aria-label': 'What to mention', hidden: true });
    this.button = tool('send', 'Send', () => (this.isBusy ? how.onStop() : this.send()));
    const cancel = how.onCancel && tool('close', 'Keep the question as it was', how.onCancel);
    this.element = el('div', { class: 'chat-composer' }, this.list, this.chips, el('div', { class: 'chat-field' }, this.area, cancel, this.button));
    this.drawChips();
  }

  /** @param {string} text @param {Mention[]} mentions */
  set(text, mentions) {
    this.area.value = text;
    this.mentions = mentions;
    this.drawChips();
    this.grow();
  }

  focus() {
    this.area.focus();
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
  }

  /** An answer is on its way: the button stops it. @param {boolean} isBusy */
  setBusy(isBusy) {
    this.isBusy = isBusy;
    this.button.replaceChildren(icon(isBusy ? 'stop' : 'send'));
    for (const name of ['title', 'aria-label']) this.button.setAttribute(name, isBusy ? 'Stop' : 'Send');
  }

  grow() {
    this.area.style.height = 'auto';
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, 220)}px`;
  }

  changed() {
    this.grow();
    this.offer();
    this.how.onChange?.();
  }

  async send() {
    const text = this.area.value.trim();
    if (!text || this.isBusy) return;
    this.close();
    const mentions = [...this.mentions];
    // What was typed and not chosen from the list counts too.
    for (const name of named(text)) {
      const mention = name === 'selection' ? await this.selection() : meant(name, (path) => this.paths.has(path));
      if (mention && !mentions.some((known) => same(known, mention))) mentions.push(mention);
    }
    this.how.onSend(text, mentions);
  }

  /** The selected lines of the editor. @returns {Promise<Mention | null>} */
  async selection() {
    const [path, lines] = await Promise.all([this.ask('path', []), this.ask('selection', [])]);
    if (!path || !lines) return null;
    const selected = JSON.parse(lines);
    // More than a question can carry, so that its cut is still told; a selection of megabytes is not kept with a draft.
    return { Lines: { ...selected, text: selected.text.slice(0, 65_536), path } };
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    const isOpen = !this.list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (isOpen && step) this.choose((this.at + step + this.offers.length) % this.offers.length);
    else if (isOpen && (event.key === 'Enter' || event.key === 'Tab')) this.accept(event.key);
    else if (isOpen && event.key === 'Escape') this.close();
    else if (event.key === 'Escape' && this.isBusy) this.how.onStop();
    else if (event.key === 'Escape' && this.how.onCancel) this.how.onCancel();
    else if (event.key === 'Escape') this.ask('editor', []);
    else if (event.key === 'Enter' && !event.shiftKey) this.send();
    else if (event.key === 'Backspace' && this.mentions.length > 0 && this.area.selectionEnd === 0) this.remove(this.mentions.length - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Offer what begins like what is being typed behind an `@`. */
  offer() {
    this.looking = this.look();
  }

  async look() {
    const found = typed(this.area.value, this.area.selectionStart);
    this.lookups += 1;
    const lookup = this.lookups;
    if (!found) return this.close();
    const [selection, answer] = await Promise.all([
      'selection'.startsWith(found.name) ? this.selection().catch(() => null) : null,
      this.ask('mentions', [found.name]).catch(() => '[]'),
    ]);
    if (lookup !== this.lookups) return;
    /** @type {[string, string, string][]} */
    const rows = JSON.parse(answer);
    for (const [kind, name] of rows) if (kind === 'Path') this.paths.add(name);
    const offers = rows.map(([kind, name, where]) => ({ name, where, mention: /** @type {Mention} */ ({ [kind]: name }) }));
    // A folder that a path leads through is one more thing to point to.
    const folder = found.name.includes('/') ? found.name.slice(0, found.name.lastIndexOf('/') + 1) : '';
    if (folder && rows.some(([, name]) => name.startsWith(folder))) offers.unshift({ name: folder, where: 'the whole folder', mention: { Path: folder } });
    if (selection) offers.unshift({ name: 'selection', where: label(selection), mention: selection });
    this.offers = offers;
    this.list.replaceChildren(
      ...offers.map(({ name, where }, at) =>
        el(
          'div',
          { id: `${this.id}-${at}`, role: 'option', class: 'chat-offer', onmousedown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => this.take(this.offers[at]) },
          el('span', {}, name),
          el('span', { class: 'muted' }, where),
        ),
      ),
    );
    this.shown = lookup;
    this.list.hidden = offers.length === 0;
    if (offers.length > 0) this.choose(0);
    else this.close();
  }

  /** @param {number} at */
  choose(at) {
    this.at = at;
    [...this.list.children].forEach((row, n) => row.setAttribute('aria-selected', String(n === at)));
    this.list.children[at]?.scrollIntoView({ block: 'nearest' });
    this.area.setAttribute('aria-activedescendant', `${this.id}-${at}`);
  }

  close() {
    this.lookups += 1;
    this.list.hidden = true;
    this.area.removeAttribute('aria-activedescendant');
  }

  /**
   * Take what is chosen. Keys come faster than answers: it is what was typed that counts, not what was offered for less of
   * it. Where nothing is offered for that, Enter sends.
   * @param {string} key
   */
  async accept(key) {
    const text = this.area.value;
    while (!this.list.hidden && this.shown !== this.lookups) await this.looking;
    if (!this.list.hidden) this.take(this.offers[this.at]);
    else if (key === 'Enter' && this.area.value === text) this.send();
  }

  /** @param {Offer | undefined} offer */
  take(offer) {
    const found = typed(this.area.value, this.area.selectionStart);
    this.close();
    if (!offer || !found) return;
    // The name stays in the sentence, without its sign: the chip says that it is meant.
    const name = offer.name === 'selection' ? 'the selection' : (offer.name.replace(/\/$/, '').split('/').at(-1) ?? offer.name);
    this.area.setRangeText(`${name} `, found.start, this.area.selectionStart, 'end');
    if (!this.mentions.some((known) => same(known, offer.mention))) this.mentions.push(offer.mention);
    this.drawChips();
    this.changed();
  }

  /** @param {number} at */
  remove(at) {
    this.mentions.splice(at, 1);
    this.drawChips();
    this.area.focus();
    this.how.onChange?.();
  }

  drawChips() {
    const chips = this.mentions.map((mention, at) =>
      el('li', { class: 'chat-chip' }, el('span', { title: label(mention) }, label(mention)), tool('close', `Do not mention ${label(mention)}`, () => this.remove(at))),
    );
    this.chips.hidden = chips.length === 0;
    this.chips.replaceChildren(...chips);
  }
}
