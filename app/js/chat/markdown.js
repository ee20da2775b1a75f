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

/** Stands for a citation while Markdown is read; neither sign has a meaning of its own in any text. */
const MARK = /\uE000(\d+)\uE001/g;
const MARKED = /\uE000(\d+)\uE001/;

const escape = (/** @type {string} */ text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const parser = new Marked({
  gfm: true,
  renderer: {
    // The panel has headings of its own above these.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    html: (token) => ('block' in token && token.block ? `<p>${escape(token.text)}</p>\n` : escape(token.text)),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text ? `Image: ${text}` : 'Image')}</a>`,
    code: ({ text, lang }) => `<pre start="${MARKED.exec(lang ?? '')?.[1] ?? ''}" lang="${/^[\w.+#-]{1,24}/.exec(lang ?? '')?.[0] ?? ''}"><code>${escape(text)}</code></pre>\n`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});


/**
 * An answer, or finished blocks of one, as elements.
 * @param {string} text @param {{citations?: Citation[], onOpen?: (cited: Citation) => void, codeTools?: (code: string, language: string) => Node[], sent?: () => string, isDraft?: boolean}} [how] `sent`: all that the model was given
 * @returns {DocumentFragment}
 */
export function render(text, how = {}) {
  const citations = how.citations ?? [];
  const { source, originals } = marks(text, citations);
  /** @type {DocumentFragment} */
  let fragment;
  try {
    fragment = /** @type {any} */ (DOMPurify.sanitize(/** @type {string} */ (parser.parse(source)), PURIFY));
  } catch (err) {
    // Text that is nested beyond all measure; it can be read as it was written.
    console.warn('an answer could not be read as Markdown:', err);
    fragment = document.createDocumentFragment();
    fragment.append(el('pre', {}, text));
    return fragment;
  }
  const links = fragment.querySelectorAll('a');
  const sent = links.length > 0 ? (how.sent?.() ?? '') : '';
  for (const link of links) safe(link, sent);
  for (const block of fragment.querySelectorAll('pre')) {
    for (const node of texts(block)) node.data = node.data.replace(MARK, (_, n) => originals[Number(n)] ?? '');
    const cited = citations[Number(block.getAttribute('start') || NaN)];
    const language = block.getAttribute('lang') ?? '';
    const code = (block.textContent ?? '').replace(/\n$/, '');
    const body = el('code', {}, code);
    const source = cited ? [reference(cited, how.onOpen)] : [];
    block.replaceWith(codeBlock(body, language, [...source, ...(how.codeTools?.(code, language) ?? [])]));
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
  if (citations.length === 0) return { source: text.replaceAll(/[\uE000\uE001]/g, '\uFFFD'), originals };
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
    out += `${part(at, start)}${marked(originals[n], `\uE000${n}\uE001`)}`;
    at = end;
  });
  return { source: out + part(at, bytes.length), originals };
}

/** A mark in the place of a reference; code that is quoted stays, and its mark goes into the line that opens it. @param {string} original @param {string} mark */
function marked(original, mark) {
  if (!original.includes('\n')) return mark;
  const opened = original.replace(/^( {0,3}(?:`{3,}|~{3,})[^\n`]*)\n/, `$1 ${mark}\n`);
  return opened === original ? `${original}\n\n${mark}\n\n` : opened;
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
      const original = originals[Number(part)] ?? '';
      return cited && !isLink ? reference(cited, onOpen, quoted(original, cited)) : original;
    });
    node.replaceWith(...parts);
  }
}

/** The code that a reference quotes; nothing for one that only names a place. @param {string} original @param {Citation} cited */
function quoted(original, cited) {
  const code = /^(`+)(.+)\1$/s.exec(original)?.[2].trim() ?? '';
  return code.includes(cited.path.split('/').at(-1) ?? '') ? '' : code;
}

/** @param {Citation} cited @param {((cited: Citation) => void) | undefined} onOpen @param {string} [code] what is shown in place of the place */
function reference(cited, onOpen, code) {
  const full = place(cited.path, cited.start_line, cited.end_line);
  const long = cited.path.length > 36;
  const short = `${long ? `…/${cited.path.split('/').at(-1)}` : cited.path}:${cited.start_line + 1}`;
  const title = cited.is_current ? full : `${full}, changed since this was written`;
  return el(
    'button',
    { type: 'button', class: cited.is_current ? 'chat-cite' : 'chat-cite stale', title, 'aria-label': code ? `${code}, open ${title}` : `Open ${title}`, onclick: () => onOpen?.(cited) },
    code || short,
    !cited.is_current && el('span', { class: 'chat-stale' }, ' (changed since)'),
  );
}

/**
 * A link shows where it leads, opens in a tab of its own, and tells that tab nothing. Small models invent addresses, and
 * somebody may own them: one that stands nowhere in what was sent is text.
 * @param {Element} link @param {string} sent
 */
function safe(link, sent) {
  const href = link.getAttribute('href') ?? '';
  let url;
  try {
    url = new URL(href);
  } catch {
    url = null;
  }
  if (!url || !/^https?:$/.test(url.protocol)) return link.replaceWith(...link.childNodes);
  if (!sent.includes(href.replace(/\/$/, ''))) {
    const shown = (link.textContent ?? '').trim() === href ? '' : ` (${href})`;
    return link.replaceWith(...link.childNodes, shown);
  }
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
