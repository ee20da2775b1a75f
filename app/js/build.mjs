// Bundles the editor and the chat panel once: `node app/js/build.mjs OUTDIR` writes `monaco-HASH.js`, `.css`, the worker,
// the icon font, and `chat-HASH.js` and `.css` into OUTDIR (the public folder `/assets/`), and `monaco.json` that names them. Nothing is fetched at run time.
// `--report` prints how large each file is, raw and with brotli.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const outdir = args.find((arg) => !arg.startsWith('--'));
if (!outdir) {
  console.error('usage: node app/js/build.mjs OUTDIR [--report]');
  process.exit(2);
}
const out = resolve(outdir);
await mkdir(out, { recursive: true });
for (const name of await readdir(out)) {
  if (/^(monaco|editor-worker|codicon|chat)-[0-9A-Z]{8}\./i.test(name)) await rm(join(out, name));
}

/** @type {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  // What WebGPU, OPFS and relaxed SIMD ask for is newer than this.
  target: ['chrome120', 'firefox121', 'safari17'],
  minify: true,
  legalComments: 'none',
  metafile: true,
  outdir: out,
  write: false,
  logLevel: 'warning',
};

/** Writes `contents` under a name with its hash. @returns {Promise<string>} the name */
async function hashed(stem, extension, contents) {
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 8);
  const name = `${stem}-${hash}${extension}`;
  await writeFile(join(out, name), contents);
  return name;
}

// The worker first: its name goes into the main bundle.
const worker = await build({ ...shared, entryPoints: { 'editor-worker': 'editor.worker.js' } });
const workerName = await hashed('editor-worker', '.js', worker.outputFiles[0].contents);

const main = await build({
  ...shared,
  entryPoints: { monaco: 'editor.js' },
  define: { EDITOR_WORKER_NAME: JSON.stringify(workerName), EDITOR_CSS_NAME: '"@EDITOR_CSS_NAME@"' },
  loader: { '.ttf': 'file' },
  assetNames: '[name]-[hash]',
});
const files = { worker: workerName };
/** @type {Map<string, Uint8Array>} */
const produced = new Map(main.outputFiles.map((file) => [file.path.replaceAll('\\', '/').split('/').pop() ?? '', file.contents]));
for (const [name, contents] of produced) {
  if (name.endsWith('.ttf')) {
    await writeFile(join(out, name), contents);
    files.font = name;
  }
}
files.css = await hashed('monaco', '.css', produced.get('monaco.css') ?? new Uint8Array());
const script = Buffer.from(produced.get('monaco.js') ?? []).toString('utf8').replaceAll('@EDITOR_CSS_NAME@', files.css);
files.script = await hashed('monaco', '.js', script);
const chat = await build({ ...shared, entryPoints: { chat: 'chat/main.js' }, define: { CHAT_CSS_NAME: '"@CHAT_CSS_NAME@"' } });
const part = (/** @type {string} */ ending) => chat.outputFiles.find((file) => file.path.endsWith(ending))?.contents ?? new Uint8Array();
files.chatCss = await hashed('chat', '.css', part('.css'));
files.chat = await hashed('chat', '.js', Buffer.from(part('.js')).toString('utf8').replaceAll('@CHAT_CSS_NAME@', files.chatCss));
await writeFile(join(out, 'monaco.json'), `${JSON.stringify(files, null, 2)}\n`);

if (args.includes('--report')) {
  let total = 0;
  for (const name of Object.values(files)) {
    const bytes = await readFile(join(out, name));
    const small = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
    total += small;
    console.log(`${name.padEnd(32)} ${String(bytes.length).padStart(9)} B  brotli ${String(small).padStart(8)} B`);
  }
  console.log(`${'total'.padEnd(32)} ${''.padStart(11)}  brotli ${String(total).padStart(8)} B`);
  if (args.includes('--modules')) {
    const inputs = Object.entries(main.metafile.outputs).find(([name]) => name.endsWith('monaco.js'))?.[1].inputs ?? {};
    const byFolder = new Map();
    for (const [name, { bytesInOutput }] of Object.entries(inputs)) {
      const key = name.replace(/^.*\/esm\//, '').split('/').slice(0, 5).join('/');
      byFolder.set(key, (byFolder.get(key) ?? 0) + bytesInOutput);
    }
    for (const [key, bytes] of [...byFolder].sort((a, b) => b[1] - a[1]).slice(0, 45)) console.log(String(bytes).padStart(9), key);
  }
}
