// The editor's colours. Ground, text and accents come from the page's CSS tokens at the moment of asking, so that
// both always agree; colours of code are ours, checked for a contrast of 4.5:1 (7:1 in the contrast themes).
import { editor } from 'monaco-editor/editor/editor.api.js';

/** Colours of code per theme: comment, string, number, keyword, type, name, tag, attribute, invalid. */
const CODE = {
  light: ['57606a', '0a3069', '0550ae', 'a0111f', '6639ba', '953800', '116329', '0550ae', '82071e'],
  dark: ['8b949e', 'a5d6ff', '79c0ff', 'ff7b72', 'd2a8ff', 'ffa657', '7ee787', '79c0ff', 'ffa198'],
  'contrast-light': ['414850', '032563', '023b95', '86061d', '512598', '702c00', '024c1a', '023b95', '6e011a'],
  'contrast-dark': ['bdc4cc', 'addcff', '91cbff', 'ff9492', 'dbb7ff', 'ffb757', '72f088', '91cbff', 'ffb1af'],
};

/** Monaco's colour and the CSS tokens that may give it, first one found wins. @type {[string, string[]][]} */
const TOKENS = [
  ['editor.background', ['--editor-bg', '--bg']],
  ['editor.foreground', ['--editor-fg', '--fg', '--text']],
  ['editorLineNumber.foreground', ['--editor-muted', '--muted', '--fg-muted', '--text-muted']],
  ['editorLineNumber.activeForeground', ['--editor-fg', '--fg', '--text']],
  ['editorCursor.foreground', ['--accent']],
  ['focusBorder', ['--focus', '--accent']],
  ['editorWidget.background', ['--panel', '--surface', '--bg-raised']],
  ['editorWidget.border', ['--border', '--line']],
  ['input.background', ['--input', '--bg']],
  ['input.border', ['--border', '--line']],
  ['editorHoverWidget.background', ['--panel', '--surface', '--bg-raised']],
  ['editorSuggestWidget.background', ['--panel', '--surface', '--bg-raised']],
  ['editorStickyScroll.background', ['--editor-bg', '--bg']],
  ['menu.background', ['--panel', '--surface', '--bg-raised']],
];

const BASE = /** @type {const} */ ({ light: 'vs', dark: 'vs-dark', 'contrast-light': 'hc-light', 'contrast-dark': 'hc-black' });

/** Any CSS colour as `#rrggbbaa`; the browser does the reading. @param {CSSStyleDeclaration} style @param {string[]} names */
function token(style, names) {
  const name = names.find((candidate) => style.getPropertyValue(candidate).trim() !== '');
  if (!name) return undefined;
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.documentElement.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!context) return undefined;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
  return `#${[r, g, b, a].map((n) => n.toString(16).padStart(2, '0')).join('')}`;
}

/** Defines the theme from the page's present colours and uses it. @param {keyof typeof BASE} kind */
export function useTheme(kind) {
  const style = getComputedStyle(document.documentElement);
  /** @type {Record<string, string>} */
  const colors = {};
  for (const [name, names] of TOKENS) {
    const colour = token(style, names);
    if (colour) colors[name] = colour;
  }
  const [comment, string, number, keyword, type, name, tag, attribute, invalid] = CODE[kind];
  const rule = (/** @type {string} */ scope, /** @type {string} */ foreground, fontStyle = '') => ({ token: scope, foreground, fontStyle });
  editor.defineTheme(`alcove-${kind}`, {
    base: BASE[kind],
    inherit: true,
    colors,
    rules: [
      rule('comment', comment, 'italic'),
      rule('string', string),
      rule('string.escape', number),
      rule('string.key', type),
      rule('string.key.json', type),
      rule('string.value.json', string),
      rule('regexp', string),
      rule('number', number),
      rule('constant', number),
      rule('keyword', keyword),
      rule('type', type),
      rule('type.identifier', type),
      rule('namespace', name),
      rule('annotation', name),
      rule('attribute.name', attribute),
      rule('attribute.value', string),
      rule('metatag', keyword),
      rule('tag', tag),
      rule('variable', name),
      rule('predefined', name),
      rule('invalid', invalid),
    ],
  });
  editor.setTheme(`alcove-${kind}`);
}
