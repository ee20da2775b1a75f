// The app's language models as the benchmarks use them: through `window.alcove`, and by dropping a file on the page.
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { openApp } from "../../lib/alcove.mjs";
import { drop } from "../../lib/hands.mjs";

/** Rows of docs/benchmarks.json, printed as they come. */
export class Rows {
  list = [];

  add(id, name, value, unit, target, samples, more = {}) {
    const rounded = Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
    this.list.push({ id, case: name, value: rounded, unit, target, samples, ...more });
    console.log(`${id.padEnd(20)} ${name.padEnd(64)} ${String(rounded).padStart(10)} ${unit.padEnd(6)} ${target ?? ""}`);
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

/**
 * Have a model file kept on the device, as a person would who drops it on the page, and give its id. A file that is kept
 * already is recognised by its length.
 */
export async function keep(page, file, timeout = 600_000) {
  const bytes = statSync(file).size;
  const kept = async () => {
    const models = await page.evaluate(() => alcove.models());
    return models.find((model) => model.isWhole && model.bytes === bytes)?.id;
  };
  const already = await kept();
  if (already) return already;
  await page.bringToFront();
  await drop(page, [file]);
  for (const until = Date.now() + timeout; ; ) {
    const id = await kept();
    if (id) return id;
    if (Date.now() > until) throw new Error(`${basename(file)} was not kept within ${timeout / 1000} s of being dropped on the page.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
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
