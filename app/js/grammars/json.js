// JSON with comments. Monaco colours JSON only together with its language service.

export const json = {
  conf: {
    comments: { lineComment: '//', blockComment: /** @type {[string, string]} */ (['/*', '*/']) },
    brackets: [['{', '}'], ['[', ']']],
    autoClosingPairs: [
      { open: '{', close: '}', notIn: ['string'] }, { open: '[', close: ']', notIn: ['string'] },
      { open: '"', close: '"', notIn: ['string'] },
    ],
    wordPattern: /(-?\d*\.\d\w*)|([^[{\]}:",\s]+)/,
  },
  /** @type {any} */
  language: {
    defaultToken: '',
    tokenPostfix: '.json',
    brackets: [
      { open: '{', close: '}', token: 'delimiter.bracket' },
      { open: '[', close: ']', token: 'delimiter.array' },
    ],
    tokenizer: {
      root: [
        [/[ \t\r\n]+/, 'white'],
        [/\/\/.*$/, 'comment'],
        [/\/\*/, { token: 'comment', next: '@comment' }],
        [/"(?:[^"\\]|\\.)*"(?=\s*:)/, 'string.key'],
        [/"/, { token: 'string.value', next: '@string' }],
        [/[{}[\]]/, '@brackets'],
        [/[:,]/, 'delimiter'],
        [/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, 'number'],
        [/\b(?:true|false|null)\b/, 'keyword'],
        [/[^\s,:{}[\]"]+/, 'invalid'],
      ],
      comment: [
        [/[^*]+/, 'comment'],
        [/\*\//, { token: 'comment', next: '@pop' }],
        [/\*/, 'comment'],
      ],
      string: [
        // An open string ends with its line.
        [/^/, { token: '', next: '@pop' }],
        [/[^"\\]+/, 'string.value'],
        [/\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})/, 'string.escape'],
        [/\\./, 'string.invalid'],
        [/"/, { token: 'string.value', next: '@pop' }],
      ],
    },
  },
};
