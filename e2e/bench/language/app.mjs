// The app's language models as the benchmarks use them: through `window.alcove`.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { openApp } from "../../lib/alcove.mjs";

/** Rows of docs/benchmarks.json, printed as they come. */
export class Rows {
  list = [];

  /** Each row is written to this file at once, so that a run that is cut off keeps what it measured. @param {string} [file] */
  constructor(file) {
    this.file = file;
  }

  add(id, name, value, unit, target, samples, more = {}) {
    const rounded = Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
    this.list.push({ id, case: name, value: rounded, unit, target, samples, ...more });
    console.log(`${id.padEnd(20)} ${name.padEnd(64)} ${String(rounded).padStart(10)} ${unit.padEnd(6)} ${target ?? ""}`);
    if (this.file) writeFileSync(this.file, `${JSON.stringify(this.list, null, 1)}\n`);
  }
}

export const quantile = (values, q) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
};
export const median = (values) => quantile(values, 0.5);

/** The files that there are, with a sentence for each that is not. @param {Record<string, string | undefined>} files by name */
export function present(files) {
  return Object.entries(files).filter(([name, file]) => {
    const why = !file ? "no file is named" : statSync(file, { throwIfNoEntry: false })?.isFile() ? undefined : `${file} is no file`;
    if (why) console.log(`${name} is left out: ${why}.`);
    return !why;
  });
}

/** Open the app with these settings. */
export async function open(page, url, settings = {}) {
  await page.addInitScript((json) => localStorage.setItem("alcove.settings", json), JSON.stringify(settings));
  await openApp(page, url);
}

/** Have a model file taken in and kept on the device, and give its id. One that is kept already is known by its length. */
export async function keep(page, file) {
  const bytes = statSync(file).size;
  const kept = (await page.evaluate(() => alcove.modelFiles())).find((kept) => kept.whole && kept.bytes === bytes);
  if (kept) return kept.id;
  // A script of the page cannot read the disk, but what a person chose.
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("input"), { type: "file", id: "bench-file" })));
  await page.setInputFiles("#bench-file", file);
  return page.evaluate(async () => {
    const input = document.getElementById("bench-file");
    const { id } = await alcove.importModel(input.files[0]);
    input.remove();
    return id;
  });
}

/** Load a kept model; gives what the worker says of it. */
export const load = (page, id, options = {}) => page.evaluate(([id, options]) => alcove.load(id, options), [id, options]);

/**
 * Let the loaded model write greedily. Gives the text and the worker's own counts and times: seconds to the first token
 * from the arrival of the call, and from there to the last.
 */
export async function write(page, prompt, maxTokens) {
  return page.evaluate(async ({ prompt, maxTokens }) => {
    const wish = typeof prompt === "string" ? { prompt } : { messages: prompt };
    const pieces = alcove.generate({ ...wish, maxTokens, sampling: { temperature: 0 } })[Symbol.asyncIterator]();
    let text = "";
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) {
        const { numPromptTokens: numPrompt, numCachedTokens: numCached, numNewTokens, firstTokenMs, decodeMs } = value;
        return { text, numPrompt, numCached, numDecoded: numNewTokens - 1, prefillS: firstTokenMs / 1000, decodeS: decodeMs / 1000 };
      }
      text += typeof value === "string" ? value : value.text;
    }
  }, { prompt, maxTokens });
}

/** Code as a prompt, told apart by its first line, so that nothing of an earlier one serves. About `words` words long. */
export function prompt(turn, words) {
  const source = readFileSync(new URL("peers.mjs", import.meta.url), "utf8").split(/(?<=\s)/);
  return `// Part ${turn}\n${source.slice(0, words).join("")}`.trimEnd();
}
