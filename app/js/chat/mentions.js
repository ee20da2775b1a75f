// What a person points to in a question: `@src/main.rs`, `@folder/`, `@Session.request`, `@selection`.

/** @typedef {import('./types').Mention} Mention */

/** Signs that end a name when nothing follows them: those of the sentence around it. */
const TAIL = /[.,;:!?)\]}'"]+$/;

/**
 * The mention that is being typed in front of the caret.
 * @param {string} text @param {number} caret @returns {{start: number, name: string} | null}
 */
export function typed(text, caret) {
  const found = /(?:^|[\s(])@([^\s@]*)$/.exec(text.slice(0, caret));
  return found ? { start: caret - found[1].length - 1, name: found[1] } : null;
}

/**
 * The mentions that stand in a question, each name once, in order.
 * @param {string} text @returns {string[]}
 */
export function named(text) {
  const names = [...text.matchAll(/(?:^|[\s(])@([^\s@]+)/g)].map((found) => found[1].replace(TAIL, ''));
  return [...new Set(names.filter(Boolean))];
}

/**
 * What a name means: a path has a folder or an ending, everything else is a definition. A name with dots alone can be
 * either; it is a file when one of these is its path.
 * @param {string} name @param {(path: string) => boolean} isPath @returns {Mention}
 */
export function meant(name, isPath) {
  return name.includes('/') || isPath(name) ? { Path: name } : { Symbol: name };
}

/** What a mention is called. @param {Mention} mention */
export function label(mention) {
  if ('Path' in mention) return mention.Path;
  if ('Symbol' in mention) return mention.Symbol;
  return place(mention.Lines.path, mention.Lines.start_line, mention.Lines.end_line);
}

/** A place as people write it, with lines counted from one. @param {string} path @param {number} start @param {number} end */
export function place(path, start, end) {
  return end > start ? `${path}:${start + 1}–${end + 1}` : `${path}:${start + 1}`;
}

/** A mention as the five texts that the page takes. @param {Mention} mention @returns {string[]} */
export function parts(mention) {
  if (!('Lines' in mention)) return [Object.keys(mention)[0], Object.values(mention)[0], '', '', ''];
  const { path, start_line, end_line, text } = mention.Lines;
  return ['Lines', path, String(start_line), String(end_line), text];
}

/** Whether two mentions are the same. @param {Mention} a @param {Mention} b */
export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
