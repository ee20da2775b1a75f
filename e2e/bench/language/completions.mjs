// From the last key to the grey text, in the real editor: `completion_ms`, SmolLM2, a prompt of about 256 tokens.
//
// usage: node completions.mjs [--smollm2 FILE] [--json OUT] [--rounds N] [--delay MS]
//
// A person opens a file, puts the caret at its end and types; after a pause the model is asked. What counts is from the
// key press to the frame after the text stands on the screen, less the pause, which is a setting (--delay, 300 unless
// given, written into the settings). `warm`: ten more characters were typed behind a text that was asked about before.
// `cold`: another beginning of the file, so that nothing that the model has read serves. A press after which nothing is
// shown is no sample; how many there were is a row of its own. Other files would lend passages to the prompt, so there are none.
import { parseArgs } from "node:util";
import { openBrowser, picture, serve } from "../../lib/alcove.mjs";
import { inEditor } from "../../lib/hands.mjs";
import { keep, load, median, open, present, quantile, Rows } from "./app.mjs";

const { values: options } = parseArgs({
  options: {
    smollm2: { type: "string" },
    qwen: { type: "string" },
    json: { type: "string" },
    rounds: { type: "string", default: "12" },
    delay: { type: "string", default: "300" },
  },
});
const delay = Number(options.delay);
const rows = new Rows(options.json);
const files = present({ SmolLM2: options.smollm2 });

/** Code of about 240 tokens whose first line is another one each time. */
const head = (turn) => `"""Part ${turn} of a small library for shapes, chapter ${turn * 7}."""
import math


class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return math.pi * self.radius ** 2

    def perimeter(self):
        return 2 * math.pi * self.radius


class Rectangle:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self):
        return self.width * self.height

    def perimeter(self):
        return 2 * (self.width + self.height)


class Triangle:
    def __init__(self, base, height):
        self.base = base
        self.height = height

    def area(self):
        return self.base * self.height / 2

    def is_flat(self):
        return self.base == 0 or self.height == 0


class Square:
    def __init__(self, side):
        self.side = side

`;
/** What is typed first, and ten characters more. */
const TYPED = [
  ["    def area", "(self):\n  "],
  ["    def perimet", "er(self):\n"],
  ["    def __re", "pr__(self)"],
  ["    def dia", "gonal(self"],
  ["    def sca", "le(self, f"],
  ["    def is_", "equal(self"],
];

const server = files.length > 0 ? await serve() : undefined;
const browser = files.length > 0 ? await openBrowser() : undefined;
try {
  for (const [name, file] of files) {
    const page = await browser.page();
    await open(page, server.url, { device: "cpu", embedding: false, completions: true, completion_delay_ms: delay });
    const id = await keep(page, file);
    await load(page, id);
    const samples = { cold: [], warm: [] };
    const missed = { cold: 0, warm: 0 };
    const lengths = [];
    for (let turn = 0; turn < Number(options.rounds); turn++) {
      const [first, more] = TYPED[turn % TYPED.length];
      await page.evaluate((text) => alcove.open([{ path: "shapes.py", bytes: text }], { name: "shapes" }), head(turn));
      await page.evaluate(() => alcove.show("shapes.py"));
      await inEditor(page).catch(() => page.locator(".monaco-editor .view-lines").first().click());
      await page.keyboard.press("Control+End");
      for (const [kind, text] of [["cold", first], ["warm", more]]) {
        // What is grey is not typed on: it would stay, and nothing would be asked.
        await page.keyboard.press("Escape");
        const took = await pressUntilGrey(page, text);
        if (took === undefined) missed[kind]++;
        else samples[kind].push(took - delay);
      }
      await picture(page, "bench-completion");
      // The line again through the script's surface, which says how long the prompt was where the model ended by itself.
      const [line, utf16] = [head(turn).split("\n").length, (first + more.split("\n")[0]).length];
      const asked = await page.evaluate(([line, utf16]) => alcove.complete({ path: "shapes.py", line, utf16 }), [line, utf16]).catch(() => undefined);
      if (asked?.numPromptTokens) lengths.push(asked.numPromptTokens);
    }
    const tokens = lengths.length > 0 ? `prompt of ${median(lengths)} tokens` : "prompt of unknown length";
    for (const [kind, target] of [["warm", "≤ 500"], ["cold", "≤ 2500"]]) {
      const case_ = `${name}, CPU, ${kind}, ${tokens}, key press → grey text less the pause of ${delay} ms`;
      if (samples[kind].length === 0) console.log(`${case_}: nothing was shown after any of ${missed[kind]} presses.`);
      else {
        rows.add("completion_ms", `${case_}, p50`, median(samples[kind]), "ms", target, samples[kind].length);
        rows.add("completion_ms", `${case_}, p95`, quantile(samples[kind], 0.95), "ms", "", samples[kind].length);
      }
      const presses = samples[kind].length + missed[kind];
      rows.add("completion_ms", `${name}, CPU, ${kind}: presses after which anything was shown`, (100 * samples[kind].length) / presses, "%", "", presses);
    }
  }
} finally {
  await browser?.close();
  await server?.stop();
}

/** Type a text; milliseconds from its last key to the grey text, `undefined` when none is shown within ten seconds. */
async function pressUntilGrey(page, text) {
  for (const key of text.slice(0, -1)) await page.keyboard.press(nameOf(key));
  await page.evaluate(() => {
    globalThis.grey = new Promise((resolve) => {
      addEventListener("keydown", (event) => {
        const began = event.timeStamp;
        const late = setTimeout(() => (stop(), resolve(undefined)), 10_000);
        const seen = () => [...document.querySelectorAll(".monaco-editor [class*='ghost-text']")].some((part) => part.textContent.trim() !== "");
        // What was grey before goes with the key; only what comes after it counts.
        let wasGone = !seen();
        const observer = new MutationObserver(() => {
          if (!seen()) wasGone = true;
          else if (wasGone) {
            stop();
            // After the frame that shows it.
            requestAnimationFrame(() => {
              const channel = new MessageChannel();
              channel.port1.onmessage = () => resolve(performance.now() - began);
              channel.port2.postMessage(0);
            });
          }
        });
        const stop = () => (clearTimeout(late), observer.disconnect());
        observer.observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
      }, { once: true, capture: true });
    });
  });
  await page.keyboard.press(nameOf(text.at(-1)));
  return page.evaluate(() => globalThis.grey);
}

function nameOf(key) {
  return key === " " ? "Space" : key === "\n" ? "Enter" : key;
}
