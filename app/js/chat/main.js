// The chat panel, fetched when it is first shown. Rust binds to it in `app/src/ui/chat.rs`.
//
// The module leaves a promise of itself in `globalThis.alcoveChat`.
import '../../../style/chat.css';
import { render } from './markdown.js';
import { Panel } from './panel.js';

/* global CHAT_CSS_NAME */

/** Resolves when the style sheet is there, so that nothing jumps. */
async function addStyles() {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  // @ts-ignore: put in by build.mjs
  link.href = new URL(CHAT_CSS_NAME, import.meta.url).href;
  const loaded = new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => reject(new Error('the style sheet of the chat panel could not be loaded'));
  });
  document.head.append(link);
  try {
    await loaded;
  } catch (err) {
    link.remove();
    throw err;
  }
}

const api = {
  /** The panel that was made last, for tests. @type {Panel | undefined} */
  panel: undefined,
  create(/** @type {import('./types').Ask} */ ask) {
    this.panel = new Panel(ask);
    return this.panel;
  },
  /** An answer as elements, for tests. */
  render,
};

/** @type {any} */ (globalThis).alcoveChat = addStyles().then(() => api);
