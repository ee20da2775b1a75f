// Takes the parsers' constant tables out of the engine module, so that a page downloads those of the languages that it
// meets and no others. The worker puts them back (`worker/crates/web/src/tables.rs`, which describes the files).
//
// usage: node .ci/tables.mjs MODULE.wasm LINKER.map FOLDER
//
// The linker's map tells where each table lies in memory. MODULE.wasm is rewritten in place, one file per grammar is
// written into FOLDER. Nothing may have moved data since linking; that is checked as far as it can be.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [modulePath, mapPath, folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node .ci/tables.mjs MODULE.wasm LINKER.map FOLDER');
/** Smaller tables stay: each hole in the module costs some bytes too. */
const SMALLEST = 1024;
const PLACEHOLDER = Buffer.from('alcove-module-id');

/** Object file → name of its grammar, and object file → its tables. */
const names = new Map();
/** @type {Map<string, {address: number, length: number}[]>} */
const tables = new Map();
for (const line of readFileSync(mapPath, 'utf8').split('\n')) {
  const match = /^\s*(\S+)\s+\S+\s+([0-9a-f]+)\s+\S*\/(libtree_sitter_\S+\.rlib\(\S*parser\.o\)):\((\S+)\)$/.exec(line);
  if (!match) continue;
  const [, address, length, object, section] = match;
  const language = /^\.rodata\.tree_sitter_([a-z_]+)\.language$/.exec(section);
  if (language) names.set(object, language[1]);
  if (section.startsWith('.rodata.ts_') && parseInt(length, 16) >= SMALLEST) {
    const list = tables.get(object) ?? [];
    list.push({ address: parseInt(address, 16), length: parseInt(length, 16) });
    tables.set(object, list);
  }
}
if (tables.size === 0) throw new Error(`${mapPath} names no table of a parser`);

const module = readFileSync(modulePath);
let at = 8;
function number() {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = module[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}
const unsigned = (/** @type {number} */ value) => {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
};
// Addresses below 2 GiB, as a signed constant.
const signed = (/** @type {number} */ value) => {
  const bytes = [];
  for (; value > 63; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
};

/** @type {{id: number, body: Buffer}[]} */
const sections = [];
while (at < module.length) {
  const id = module[at++];
  const length = number();
  sections.push({ id, body: module.subarray(at, at + length) });
  at += length;
}
const DATA = 11;
const DATA_COUNT = 12;
const data = sections.find((section) => section.id === DATA);
if (!data) throw new Error(`${modulePath} has no data`);

/** @type {{address: number, bytes: Buffer}[]} */
let segments = [];
at = data.body.byteOffset - module.byteOffset;
for (let left = number(); left > 0; left--) {
  if (number() !== 0 || module[at++] !== 0x41) throw new Error(`${modulePath} has a data segment that is not at a fixed address`);
  const address = number(); // Positive and without its sign bit: as good as unsigned.
  if (module[at++] !== 0x0b) throw new Error(`${modulePath} has a data segment whose address is computed`);
  const length = number();
  segments.push({ address, bytes: Buffer.from(module.subarray(at, at + length)) });
  at += length;
}

const segmentOf = (/** @type {{address: number, length: number}} */ { address, length }) => {
  const found = segments.find((segment) => segment.address <= address && address + length <= segment.address + segment.bytes.length);
  if (!found) throw new Error(`a table at ${address} does not lie in the data of ${modulePath}: was it linked with ${mapPath}?`);
  return found;
};
const all = createHash('sha256');
/** @type {Map<string, {list: Buffer, bodies: Buffer[]}>} */
const files = new Map();
for (const object of tables.keys()) if (!names.has(object)) throw new Error(`${mapPath} does not tell which grammar ${object} is`);
for (const [object, name] of [...names].sort(([, a], [, b]) => (a < b ? -1 : 1))) {
  if (files.has(name)) throw new Error(`two parsers are called ${name}`);
  // A grammar whose tables are all small gets a file without parts, so that the worker need not know which those are.
  const list = tables.get(object) ?? [];
  const head = Buffer.alloc(4 + 8 * list.length);
  head.writeUInt32LE(list.length, 0);
  const bodies = list.map(({ address, length }, index) => {
    head.writeUInt32LE(address, 4 + 8 * index);
    head.writeUInt32LE(length, 8 + 8 * index);
    const segment = segmentOf({ address, length });
    return segment.bytes.subarray(address - segment.address, address - segment.address + length);
  });
  all.update(name).update(head);
  bodies.forEach((body) => all.update(body));
  files.set(name, { list: head, bodies });
}
const id = all.digest().subarray(0, 16);

mkdirSync(folder, { recursive: true });
for (const [name, { list, bodies }] of files) writeFileSync(join(folder, `${name}.bin`), Buffer.concat([Buffer.from('ALCT'), id, list, ...bodies]));

// The module learns which files are its own.
const holders = segments.filter((segment) => segment.bytes.includes(PLACEHOLDER));
const [holder] = holders;
if (holders.length !== 1 || holder.bytes.indexOf(PLACEHOLDER) !== holder.bytes.lastIndexOf(PLACEHOLDER)) {
  throw new Error(`${modulePath} must hold the mark of tables.rs exactly once`);
}
id.copy(holder.bytes, holder.bytes.indexOf(PLACEHOLDER));

// Holes where the tables were.
const holes = [...tables.values()].flat().sort((a, b) => a.address - b.address);
segments = segments.flatMap((segment) => {
  const parts = [];
  let from = segment.address;
  const end = segment.address + segment.bytes.length;
  const keep = (/** @type {number} */ to) => {
    if (to > from) parts.push({ address: from, bytes: segment.bytes.subarray(from - segment.address, to - segment.address) });
  };
  for (const hole of holes.filter((hole) => hole.address >= segment.address && hole.address < end)) {
    keep(hole.address);
    from = hole.address + hole.length;
  }
  keep(end);
  return parts;
});
data.body = Buffer.concat([
  unsigned(segments.length),
  ...segments.flatMap(({ address, bytes }) => [Buffer.from([0, 0x41]), signed(address), Buffer.from([0x0b]), unsigned(bytes.length), bytes]),
]);
const count = sections.find((section) => section.id === DATA_COUNT);
if (count) count.body = unsigned(segments.length);
const whole = Buffer.concat([module.subarray(0, 8), ...sections.flatMap(({ id, body }) => [Buffer.from([id]), unsigned(body.length), body])]);
if (!WebAssembly.validate(whole)) throw new Error(`${modulePath} is not valid any more without its tables`);
writeFileSync(modulePath, whole);
console.log(`${files.size} grammars taken out: ${module.length} bytes became ${whole.length}`);
