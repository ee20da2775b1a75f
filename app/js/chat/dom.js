// Small helpers to make elements.

const SVG = 'http://www.w3.org/2000/svg';

/** Drawn like the icons of the page, on a grid of 16 units. @type {Record<string, string>} */
const ICONS = {
  add: 'M8 3v10M3 8h10',
  apply: 'M3 3h10v10H3zM5.5 8.2l1.8 1.8 3.4-3.8',
  close: 'm4 4 8 8M12 4l-8 8',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  download: 'M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11',
  insert: 'M3 3v10M13 8H6.5M9 5.2 6.2 8 9 10.8',
  left: 'm10 4-4 4 4 4',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  pencil: 'M2.5 13.5 3.2 10.4 10.9 2.7l2.4 2.4-7.7 7.7z',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7M13.2 2.2v2.6h-2.6',
  right: 'm6 4 4 4-4 4',
  send: 'M8 13V3.5M4 7l4-4 4 4',
  stop: 'M4.5 4.5h7v7h-7z',
  trash: 'M2.5 4.2h11M6 4V2.2h4V4M3.8 4.2l.7 9.6h7l.7-9.6M6.6 7v4M9.4 7v4',
};

/**
 * An element. Names that begin with `on` are listeners, the others attributes; false and undefined leave one out.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name] ?? '');
  svg.append(path);
  return svg;
}

/** A button that is only an icon. @param {string} name @param {string} label @param {(event: MouseEvent) => void} onclick @param {Record<string, any>} [more] */
export function tool(name, label, onclick, more = {}) {
  return el('button', { type: 'button', class: 'tool', title: label, 'aria-label': label, onclick, ...more }, icon(name));
}

/** A button with words. @param {string} label @param {() => void} onclick @param {string} [kind] */
export function push(label, onclick, kind = '') {
  return el('button', { type: 'button', class: `push-button ${kind}`, onclick }, label);
}

/** Say on the button itself that something was done. @param {HTMLElement} button @param {string} words */
export function done(button, words) {
  const label = button.getAttribute('aria-label') ?? '';
  button.setAttribute('aria-label', words);
  button.classList.add('on');
  setTimeout(() => {
    button.setAttribute('aria-label', label);
    button.classList.remove('on');
  }, 1500);
}

/** A number with a word. @param {number} n @param {string} word */
export const several = (n, word) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
