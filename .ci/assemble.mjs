// Puts what the build made into the folder that the server serves: hashed assets, un-hashed workers, models, the
// sample, `index.html` with the build's id, and a brotli and a gzip sibling of everything that shrinks.
//
// usage: node .ci/assemble.mjs --made DIR --dist DIR --packed DIR --models DIR --int8 DIR --smollm2 FILE [--fast]
//
// Files are written beside their place and moved in, and only when they changed, so that a running server never
// sends half a file and browsers keep what is still true. Packing is slow and kept in --packed by content; `--fast`
// leaves it out and takes what modules there are, for a quick look while working.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { build } from '../app/node_modules/esbuild/lib/main.js';
import { zip } from './zip.mjs';

const names = ['made', 'dist', 'packed', 'models', 'int8', 'smollm2'];
const options = Object.fromEntries(names.map((name) => [name, /** @type {const} */ ({ type: 'string' })]));
const { values } = parseArgs({ options: { ...options, fast: { type: 'boolean', default: false } } });
for (const name of names) if (!values[name]) throw new Error(`--${name} is missing`);
const [made, dist, packed, models, int8, smollm2] = names.map((name) => resolve(values[name]));
const top = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');

const hash = (/** @type {Uint8Array|string} */ bytes) => createHash('sha256').update(bytes).digest('hex');
/** Public path → contents, or the file to link to. @type {Map<string, {bytes: Buffer} | {from: string}>} */
const files = new Map();
const put = (/** @type {string} */ name, /** @type {Uint8Array|string} */ bytes) => files.set(name, { bytes: Buffer.from(bytes) });
/** Under a name that changes with the contents. @returns {string} its address */
function asset(/** @type {string} */ stem, /** @type {string} */ ending, /** @type {Uint8Array|string} */ bytes) {
  const name = `assets/${stem}-${hash(bytes).slice(0, 8)}${ending}`;
  put(name, bytes);
  return `/${name}`;
}
async function* walk(/** @type {string} */ folder) {
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

// Workers, by their own names: the page asks for them with `?v=BUILD`.
for (const module of ['engine', 'model_cpu', 'model_relaxed', 'model_gpu']) {
  if (values.fast && !existsSync(join(made, module))) continue;
  for (const name of [`${module}.js`, `${module}_bg.wasm`]) put(`workers/${name}`, await readFile(join(made, module, name)));
  const snippets = join(made, module, 'snippets');
  if (existsSync(snippets)) for await (const path of walk(snippets)) put(`workers/snippets/${relative(snippets, path)}`, await readFile(path));
}
// Tables of the parsers, each fetched when the first file of its language is met.
const grammars = join(made, 'engine/grammars');
if (existsSync(grammars)) for await (const path of walk(grammars)) put(`workers/grammars/${relative(grammars, path)}`, await readFile(path));
for await (const path of walk(join(top, 'public'))) put(relative(join(top, 'public'), path), await readFile(path));

// The editor.
const monaco = JSON.parse(await readFile(join(made, 'monaco/monaco.json'), 'utf8'));
for (const name of Object.values(monaco)) put(`assets/${name}`, await readFile(join(made, 'monaco', String(name))));

// The page. It is started by a script of its own, because inline scripts are not allowed. The parts of its module are
// found by their names in the script beside them.
const template = await readFile(join(top, 'app/index.html'), 'utf8');
const wasm = asset('app', '.wasm', await readFile(join(made, 'app/app_bg.wasm')));
const bundled = await build({
  stdin: {
    contents: `import init from './app.js';
init({ module_or_path: '${wasm}' }).catch((err) => {
  console.error(err);
  const status = document.querySelector('main.waiting [role=status]');
  if (status) status.textContent = 'Alcove could not be started. Check the connection, then reload the page.';
});
`,
    resolveDir: join(made, 'app'),
  },
  bundle: true,
  format: 'esm',
  target: ['chrome120', 'firefox121', 'safari17'],
  minify: !values.fast,
  legalComments: 'none',
  // Each part imports the same script of loaders, and wasm-bindgen lists it each time.
  logOverride: { 'duplicate-object-key': 'silent' },
  logLevel: 'warning',
  write: false,
});
let glue = bundled.outputFiles[0].text;
for (const file of await readdir(join(made, 'app'))) {
  const part = JSON.stringify(`./${file}`);
  if (!file.endsWith('.wasm') || !glue.includes(part)) continue;
  const address = asset(`part-${basename(file, '.wasm')}`, '.wasm', await readFile(join(made, 'app', file)));
  glue = glue.replaceAll(part, JSON.stringify(`./${basename(address)}`));
}
const script = asset('app', '.js', glue);
const sheets = [...template.matchAll(/<link data-trunk rel="css" href="\.\.\/(style\/[a-z.-]+)"\s*\/>/g)].map((match) => match[1]);
const styles = await Promise.all(sheets.map((sheet) => readFile(join(top, sheet), 'utf8')));
const css = asset('style', '.css', styles.join('\n'));

// The sample: our own engine crates, the same bytes for the same sources.
const sample = [];
for (const crate of ['stdx', 'text', 'protocol', 'syntax', 'store', 'index', 'infer', 'link', 'tokens', 'models']) {
  for await (const path of walk(join(top, 'worker/crates', crate))) {
    if (/\.(rs|toml|md|txt)$/.test(path)) sample.push({ name: `engine/${relative(join(top, 'worker/crates'), path)}`, bytes: await readFile(path) });
  }
}
put('sample.zip', zip(sample));

// One id for page and workers: it changes exactly when one of them does.
const identity = createHash('sha256');
for (const [name, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) if ('bytes' in file) identity.update(`${name}\0${hash(file.bytes)}\n`);
const id = identity.digest('hex').slice(0, 12);
const boot = await readFile(join(top, 'public/workers/boot.js'), 'utf8');
if (!boot.includes('@BUILD@')) throw new Error('public/workers/boot.js has no place for the id of the build');
put('workers/boot.js', boot.replace('@BUILD@', id));
const head = [
  `<link rel="stylesheet" href="${css}" />`,
  `<link rel="preload" href="${wasm}" as="fetch" type="application/wasm" crossorigin />`,
  `<script type="module" src="${script}"></script>`,
].join('\n    ');
const page = template
  .replaceAll(/[ \t]*<link data-trunk [^>]*>\n/g, '')
  .replace(/(<meta name="alcove-build" content=")[^"]*/, `$1${id}`)
  .replace(/(<meta name="alcove-monaco" content=")[^"]*/, `$1/assets/${monaco.script}`)
  .replace(/(<meta name="alcove-chat" content=")[^"]*/, `$1/assets/${monaco.chat}`)
  .replace('</head>', `  ${head}\n  </head>`);
for (const wanted of [`content="${id}"`, `/assets/${monaco.script}"`, `/assets/${monaco.chat}"`, css, script]) {
  if (!page.includes(wanted)) throw new Error(`app/index.html has no place for ${wanted}`);
}
if (sheets.length === 0 || page.includes('data-trunk')) throw new Error('app/index.html has a data-trunk line that the build does not know');
put('index.html', page);

for (const name of ['model.safetensors', 'tokenizer.json']) files.set(`models/minilm/${name}`, { from: join(models, name) });
for (const name of ['model.int8.bin', 'manifest.json']) {
  if (existsSync(join(int8, name))) files.set(`models/minilm/${name}`, { from: join(int8, name) });
}
// The language model that comes with Alcove, where the catalogue says that it is.
const catalogue = JSON.parse(await readFile(join(top, 'public/models/catalogue.json'), 'utf8'));
for (const { address, bytes } of catalogue.filter((/** @type {{address: string}} */ entry) => entry.address.startsWith('/'))) {
  if ((await stat(smollm2)).size !== bytes) throw new Error(`the catalogue does not describe ${smollm2}`);
  files.set(address.slice(1), { from: smollm2 });
}

// Packing. Weights hardly shrink, and fonts and archives not at all.
const packs = [
  { ending: '.br', pack: (/** @type {Buffer} */ bytes) => promisify(zlib.brotliCompress)(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_LGWIN]: 24, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }) },
  { ending: '.gz', pack: (/** @type {Buffer} */ bytes) => promisify(zlib.gzip)(bytes, { level: 9 }) },
];
await mkdir(packed, { recursive: true });
const shrinks = (/** @type {string} */ name) => /\.(js|css|html|wasm|json|svg|txt)$|^workers\/grammars\//.test(name);
const jobs = [...files].flatMap(([name, file]) => (!values.fast && shrinks(name) ? packs.map((kind) => ({ name, file, ...kind })) : []));
await Promise.all(
  jobs.map(async ({ name, file, ending, pack }) => {
    const bytes = 'bytes' in file ? file.bytes : await readFile(file.from);
    const kept = join(packed, hash(bytes).slice(0, 32) + ending);
    if (!existsSync(kept)) {
      const small = await pack(bytes);
      await writeFile(`${kept}.new`, small.length < bytes.length * 0.95 ? small : '');
      await rename(`${kept}.new`, kept);
    }
    const now = new Date();
    await utimes(kept, now, now);
    const small = await readFile(kept);
    if (small.length > 0) put(name + ending, small);
  }),
);
const oldest_ms = Date.now() - 30 * 24 * 3600 * 1000;
for (const name of await readdir(packed)) if ((await stat(join(packed, name))).mtimeMs < oldest_ms) await rm(join(packed, name));

// Into place, the page last, so that it never names a file that is not there yet.
const order = [...files.keys()].sort((a, b) => Number(a.startsWith('index.html')) - Number(b.startsWith('index.html')));
for (const name of order) {
  const file = files.get(name);
  const target = join(dist, name);
  await mkdir(dirname(target), { recursive: true });
  const there = await stat(target).catch(() => undefined);
  if (!file) continue;
  if ('bytes' in file) {
    if (there?.size === file.bytes.length && file.bytes.equals(await readFile(target))) continue;
    await writeFile(`${target}.new`, file.bytes);
  } else {
    const from = await stat(file.from);
    if (there && there.size === from.size && there.mtimeMs === from.mtimeMs) continue;
    await rm(`${target}.new`, { force: true });
    await link(file.from, `${target}.new`).catch(async () => {
      await copyFile(file.from, `${target}.new`);
      await utimes(`${target}.new`, from.atime, from.mtime);
    });
  }
  await rename(`${target}.new`, target);
}
for await (const path of walk(dist)) if (!files.has(relative(dist, path).replaceAll('\\', '/'))) await rm(path);
