// TOML 1.0, which Monaco has no grammar for.

export const toml = {
  conf: {
    comments: { lineComment: '#' },
    brackets: [['[', ']'], ['{', '}']],
    autoClosingPairs: [
      { open: '[', close: ']' }, { open: '{', close: '}' },
      { open: '"', close: '"', notIn: ['string', 'comment'] }, { open: "'", close: "'", notIn: ['string', 'comment'] },
    ],
    surroundingPairs: [
      { open: '[', close: ']' }, { open: '{', close: '}' }, { open: '"', close: '"' }, { open: "'", close: "'" },
    ],
  },
  /** @type {any} */
  language: {
    defaultToken: '',
    tokenPostfix: '.toml',
    escapes: /\\(?:[btnfre"\\]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})/,
    brackets: [
      { open: '[', close: ']', token: 'delimiter.square' },
      { open: '{', close: '}', token: 'delimiter.curly' },
    ],
    tokenizer: {
      // Only at the start of a line can a bracket open a table header.
      root: [
        [/^(\s*)(\[\[?)/, ['white', { token: 'delimiter.square', next: '@header' }]],
        { include: '@blank' },
        { include: '@key' },
        [/=/, { token: 'delimiter', next: '@value' }],
      ],
      blank: [[/[ \t\r\n]+/, 'white'], [/#.*$/, 'comment']],
      key: [
        [/"(?:[^"\\]|\\.)*"/, 'type'],
        [/'[^']*'/, 'type'],
        [/[A-Za-z0-9_-]+/, 'type'],
        [/\./, 'delimiter'],
      ],
      header: [
        [/^/, { token: '', next: '@pop' }],
        [/\]\]?/, { token: 'delimiter.square', next: '@pop' }],
        [/"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+/, 'tag'],
        [/\./, 'delimiter'],
        { include: '@blank' },
      ],
      // A value ends with its line, which shows only at the start of the next one.
      value: [
        [/^/, { token: '', next: '@pop' }],
        [/(?=[,\]}])/, { token: '', next: '@pop' }],
        { include: '@scalar' },
        [/\[/, { token: '@brackets', switchTo: '@array' }],
        [/\{/, { token: '@brackets', switchTo: '@table' }],
        { include: '@blank' },
      ],
      scalar: [
        [/"""/, { token: 'string', next: '@basicBlock' }],
        [/'''/, { token: 'string', next: '@literalBlock' }],
        [/"/, { token: 'string', next: '@basic' }],
        [/'[^']*'?/, 'string'],
        [/\b(?:true|false)\b/, 'keyword'],
        [/\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?/, 'number.date'],
        [/\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?/, 'number.date'],
        [/0x[0-9A-Fa-f_]+/, 'number.hex'],
        [/0o[0-7_]+|0b[01_]+/, 'number'],
        [/[+-]?(?:inf|nan)\b/, 'number.float'],
        [/[+-]?\d[\d_]*(?:\.\d[\d_]*)?[eE][+-]?\d[\d_]*|[+-]?\d[\d_]*\.\d[\d_]*/, 'number.float'],
        [/[+-]?\d[\d_]*/, 'number'],
      ],
      array: [
        [/\]/, { token: '@brackets', next: '@pop' }],
        [/\[/, { token: '@brackets', next: '@array' }],
        [/\{/, { token: '@brackets', next: '@table' }],
        [/,/, 'delimiter'],
        { include: '@scalar' },
        { include: '@blank' },
      ],
      table: [
        [/\}/, { token: '@brackets', next: '@pop' }],
        [/=/, { token: 'delimiter', next: '@value' }],
        [/,/, 'delimiter'],
        { include: '@key' },
        { include: '@blank' },
      ],
      basic: [
        [/^/, { token: '', next: '@pop' }],
        [/[^"\\]+/, 'string'],
        [/@escapes/, 'string.escape'],
        [/\\./, 'string.invalid'],
        [/"/, { token: 'string', next: '@pop' }],
      ],
      basicBlock: [
        [/"""/, { token: 'string', next: '@pop' }],
        [/@escapes/, 'string.escape'],
        [/[^"\\]+/, 'string'],
        [/["\\]/, 'string'],
      ],
      literalBlock: [
        [/'''/, { token: 'string', next: '@pop' }],
        [/[^']+/, 'string'],
        [/'/, 'string'],
      ],
    },
  },
};
