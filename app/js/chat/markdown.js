// Answers as Markdown. What a model writes is not trusted: it may repeat what stands in a file that somebody else
// wrote. HTML in it is shown as text, what `marked` makes goes through DOMPurify with a short list of what may stay,
// and nothing is loaded: an image becomes a link to it.
import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import { el } from './dom.js';
import { place } from './mentions.js';

/** @typedef {import('./types').Citation} Citation */

const PURIFY = {
  ALLOWED_TAGS: [
    'p', 'br', 'hr', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li',
    'table', 'thead', 'tbody', 'tr', 'th', 'td', 'a',
  ],
  // `lang` is the language of a code block and taken away again below.
  ALLOWED_ATTR: ['href', 'lang', 'start', 'align'],
  ADD_URI_SAFE_ATTR: ['lang', 'start', 'align'],
  ALLOWED_URI_REGEXP: /^https?:\/\//i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
/** Colours of code: Monaco gives nothing but these. */
const COLOURS = { ALLOWED_TAGS: ['span', 'br'], ALLOWED_ATTR: ['class'], ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true };

const escape = (/** @type {string} */ text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const marked = new Marked({
  gfm: true,
  renderer: {
    // The panel has headings of its own above these.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    html: (token) => ('block' in token && token.block ? `<p>${escape(token.text)}</p>\n` : escape(token.text)),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text ? `Image: ${text}` : 'Image')}</a>`,
    code: ({ text, lang }) => `<pre lang="${/^[\w.+#-]{1,24}/.exec(lang ?? '')?.[0] ?? ''}"><code>${escape(text)}</code></pre>\n`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

/** Stands for a citation while Markdown is read; neither sign has a meaning of its own in any text. */
const MARK = /\uE000(\d+)\uE001/g;

/**
 * An answer, or finished blocks of one, as elements.
 * @param {string} text @param {{citations?: Citation[], onOpen?: (cited: Citation) => void, codeTools?: (code: string, language: string) => Node[], isDraft?: boolean}} [how]
 * @returns {DocumentFragment}
 */
export function render(text, how = {}) {
  const citations = how.citations ?? [];
  const { marked: source, originals } = marks(text, citations);
  /** @type {DocumentFragment} */
  let fragment;
  try {
    fragment = /** @type {any} */ (DOMPurify.sanitize(/** @type {string} */ (marked.parse(source)), PURIFY));
  } catch (err) {
    // Text that is nested beyond all measure; it can be read as it was written.
    console.warn('an answer could not be read as Markdown:', err);
    fragment = document.createDocumentFragment();
    fragment.append(el('pre', {}, text));
    return fragment;
  }
  for (const link of fragment.querySelectorAll('a')) safe(link);
  for (const block of fragment.querySelectorAll('pre')) {
    for (const node of texts(block)) node.data = node.data.replace(MARK, (_, n) => originals[Number(n)] ?? '');
    const language = block.getAttribute('lang') ?? '';
    const code = (block.textContent ?? '').replace(/\n$/, '');
    const body = el('code', {}, code);
    block.replaceWith(codeBlock(body, language, how.codeTools?.(code, language) ?? []));
    if (!how.isDraft) colour(body, code, language);
  }
  for (const cell of fragment.querySelectorAll('[lang]')) cell.removeAttribute('lang');
  for (const table of fragment.querySelectorAll('table')) {
    const scroll = el('div', { class: 'chat-scroll', tabindex: '0', role: 'group', 'aria-label': 'Table' });
    table.replaceWith(scroll);
    scroll.append(table);
  }
  cite(fragment, citations, originals, how.onOpen);
  return fragment;
}

/** The text with a mark for each citation. @param {string} text @param {Citation[]} citations */
function marks(text, citations) {
  /** @type {string[]} */
  const originals = [];
  if (citations.length === 0) return { marked: text.replaceAll(/[\uE000\uE001]/g, '\uFFFD'), originals };
  // Ranges are in bytes of UTF-8.
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const part = (/** @type {number} */ from, /** @type {number} */ to) => decoder.decode(bytes.subarray(from, to)).replaceAll(/[\uE000\uE001]/g, '\uFFFD');
  let out = '';
  let at = 0;
  citations.forEach(({ start, end }, n) => {
    originals[n] = '';
    if (start < at || end > bytes.length || end <= start) return;
    originals[n] = part(start, end);
    out += `${part(at, start)}\uE000${n}\uE001`;
    at = end;
  });
  return { marked: out + part(at, bytes.length), originals };
}

/** @param {Node} root @returns {Text[]} */
function texts(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) found.push(/** @type {Text} */ (walker.currentNode));
  return found;
}

/** Put buttons where the marks are. @param {DocumentFragment} fragment @param {Citation[]} citations @param {string[]} originals @param {((cited: Citation) => void) | undefined} onOpen */
function cite(fragment, citations, originals, onOpen) {
  for (const node of texts(fragment)) {
    if (!node.data.includes('\uE000')) continue;
    // A button inside a link could not be pressed.
    const isLink = node.parentElement?.closest('a, pre');
    const parts = node.data.split(MARK).map((part, at) => {
      if (at % 2 === 0) return part;
      const cited = citations[Number(part)];
      return cited && !isLink ? reference(cited, onOpen) : (originals[Number(part)] ?? '');
    });
    // A reference in code letters is one without them.
    const parent = node.parentElement;
    if (parent?.tagName === 'CODE' && !isLink && parts.every((part) => typeof part !== 'string' || part === '')) parent.replaceWith(...parts);
    else node.replaceWith(...parts);
  }
}

/** @param {Citation} cited @param {((cited: Citation) => void) | undefined} onOpen */
function reference(cited, onOpen) {
  const full = place(cited.path, cited.start_line, cited.end_line);
  const long = cited.path.length > 36;
  const short = `${long ? `…/${cited.path.split('/').at(-1)}` : cited.path}:${cited.start_line + 1}`;
  const title = cited.is_current ? full : `${full}, changed since this was written`;
  return el(
    'button',
    { type: 'button', class: cited.is_current ? 'chat-cite' : 'chat-cite stale', title, 'aria-label': `Open ${title}`, onclick: () => onOpen?.(cited) },
    short,
    !cited.is_current && el('span', { class: 'chat-stale' }, ' (changed since)'),
  );
}

/** A link shows where it leads, opens in a tab of its own, and tells that tab nothing. @param {Element} link */
function safe(link) {
  const href = link.getAttribute('href') ?? '';
  let url;
  try {
    url = new URL(href);
  } catch {
    url = null;
  }
  if (!url || !/^https?:$/.test(url.protocol)) return link.replaceWith(...link.childNodes);
  link.setAttribute('rel', 'noopener noreferrer nofollow');
  link.setAttribute('target', '_blank');
  link.setAttribute('class', 'link');
  if ((link.textContent ?? '').trim() !== href) link.append(el('span', { class: 'chat-address' }, ` (${url.href})`));
}

/** @param {HTMLElement} body @param {string} language @param {Node[]} tools */
function codeBlock(body, language, tools) {
  return el(
    'div',
    { class: 'chat-code' },
    el('div', { class: 'chat-code-head' }, el('span', { class: 'muted' }, language || 'code'), ...tools),
    el('pre', { class: 'chat-scroll', tabindex: '0', 'aria-label': `Code${language ? ` in ${language}` : ''}`, role: 'group' }, body),
  );
}

/** Colour code when the editor is there, which knows how. @param {HTMLElement} body @param {string} code @param {string} language */
async function colour(body, code, language) {
  if (!language || code.length > 50_000) return;
  try {
    const html = await (await /** @type {any} */ (globalThis).alcoveEditor)?.colorize?.(code, language);
    if (typeof html === 'string') body.replaceChildren(/** @type {any} */ (DOMPurify.sanitize(html, COLOURS)));
  } catch (err) {
    console.warn('code could not be coloured:', err);
  }
}
