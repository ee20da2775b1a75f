// Which languages are coloured. All of these are tokenizers that run in the page; the language services of Monaco
// (TypeScript, JSON, CSS, HTML) are left out because outline and search come from Alcove's own engine.
import { languages } from 'monaco-editor/editor/editor.api.js';
import 'monaco-editor/languages/definitions/bat/register.js';
import 'monaco-editor/languages/definitions/cpp/register.js';
import 'monaco-editor/languages/definitions/csharp/register.js';
import 'monaco-editor/languages/definitions/css/register.js';
import 'monaco-editor/languages/definitions/dart/register.js';
import 'monaco-editor/languages/definitions/dockerfile/register.js';
import 'monaco-editor/languages/definitions/elixir/register.js';
import 'monaco-editor/languages/definitions/fsharp/register.js';
import 'monaco-editor/languages/definitions/go/register.js';
import 'monaco-editor/languages/definitions/graphql/register.js';
import 'monaco-editor/languages/definitions/hcl/register.js';
import 'monaco-editor/languages/definitions/html/register.js';
import 'monaco-editor/languages/definitions/ini/register.js';
import 'monaco-editor/languages/definitions/java/register.js';
import 'monaco-editor/languages/definitions/javascript/register.js';
import 'monaco-editor/languages/definitions/julia/register.js';
import 'monaco-editor/languages/definitions/kotlin/register.js';
import 'monaco-editor/languages/definitions/less/register.js';
import 'monaco-editor/languages/definitions/lua/register.js';
import 'monaco-editor/languages/definitions/markdown/register.js';
import 'monaco-editor/languages/definitions/objective-c/register.js';
import 'monaco-editor/languages/definitions/perl/register.js';
import 'monaco-editor/languages/definitions/php/register.js';
import 'monaco-editor/languages/definitions/powershell/register.js';
import 'monaco-editor/languages/definitions/protobuf/register.js';
import 'monaco-editor/languages/definitions/python/register.js';
import 'monaco-editor/languages/definitions/r/register.js';
import 'monaco-editor/languages/definitions/restructuredtext/register.js';
import 'monaco-editor/languages/definitions/ruby/register.js';
import 'monaco-editor/languages/definitions/rust/register.js';
import 'monaco-editor/languages/definitions/scala/register.js';
import 'monaco-editor/languages/definitions/scss/register.js';
import 'monaco-editor/languages/definitions/shell/register.js';
import 'monaco-editor/languages/definitions/sql/register.js';
import 'monaco-editor/languages/definitions/swift/register.js';
import 'monaco-editor/languages/definitions/typescript/register.js';
import 'monaco-editor/languages/definitions/wgsl/register.js';
import 'monaco-editor/languages/definitions/xml/register.js';
import 'monaco-editor/languages/definitions/yaml/register.js';
import { json } from './grammars/json.js';
import { toml } from './grammars/toml.js';

/** @param {string} id @param {{conf: any, language: any}} grammar */
function add(id, grammar) {
  languages.register({ id });
  languages.setMonarchTokensProvider(id, grammar.language);
  languages.setLanguageConfiguration(id, grammar.conf);
}

add('json', json);
add('toml', toml);

/** Other names under which a language may be asked for. @type {Record<string, string>} */
const ALIASES = {
  bash: 'shell', zsh: 'shell', sh: 'shell', fish: 'shell', makefile: 'shell',
  tsx: 'typescript', typescriptreact: 'typescript', jsx: 'javascript', javascriptreact: 'javascript',
  'c++': 'cpp', 'c#': 'csharp', c_sharp: 'csharp', jsonc: 'json', json5: 'json', jsonl: 'json',
  golang: 'go', py: 'python', js: 'javascript', mjs: 'javascript', ts: 'typescript', rs: 'rust', rb: 'ruby',
  yml: 'yaml', md: 'markdown', ps1: 'powershell', cc: 'cpp', h: 'cpp', kt: 'kotlin', cs: 'csharp', proto: 'proto', terraform: 'hcl', rst: 'restructuredtext', text: 'plaintext', svg: 'xml',
};

/** The id that Monaco knows for `id`, `plaintext` when it knows none. @param {string} id @returns {string} */
export function known(id) {
  const wanted = ALIASES[id] ?? id;
  return languages.getLanguages().some((language) => language.id === wanted) ? wanted : 'plaintext';
}
