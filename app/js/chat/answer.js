// The text of an answer while it is written and afterwards.
import { render } from './markdown.js';
import { finished } from './stream.js';

/** @typedef {import('./types').Turn} Turn */

/** Shows a growing text: what is finished is made once, and only the block that is being written is made again. */
export class Answer {
  /** @param {Parameters<typeof render>[1]} how */
  constructor(how) {
    this.how = how;
    this.element = document.createElement('div');
    this.element.className = 'chat-answer';
    this.tail = document.createElement('div');
    this.done = 0;
    this.text = '';
    this.frame = 0;
  }

  /** More text is there; it is shown with the next frame. @param {string} text all of it */
  grow(text) {
    this.text = text;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    if (this.tail.parentNode !== this.element) this.element.replaceChildren(this.tail);
    const done = finished(this.text, this.done);
    if (done > this.done) this.tail.before(render(this.text.slice(this.done, done), this.how));
    this.done = done;
    // No buttons and no colours on code that is not finished.
    this.tail.replaceChildren(render(this.text.slice(done), { isDraft: true }));
  }

  /** The whole answer, with its citations. @param {Turn} turn */
  settle(turn) {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.element.replaceChildren(render(turn.answer, { ...this.how, citations: turn.citations }));
  }

  /** Begin again. */
  clear() {
    cancelAnimationFrame(this.frame);
    [this.frame, this.done, this.text] = [0, 0, ''];
    this.tail.replaceChildren();
    this.element.replaceChildren();
  }
}
