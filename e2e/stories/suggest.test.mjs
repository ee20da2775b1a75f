// Grey text behind the caret, written by the small model that comes with Alcove: shown after a pause, taken whole or by
// words, dropped, kept while it is typed, and never what would break a file.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { command, inEditor, quickOpen } from "../lib/hands.mjs";

const MODEL = "smollm2-135m-instruct";
/** A text that leaves little doubt about how it goes on. */
const MATHS = `def add(a, b):
    return a + b


def subtract(a, b):
    return a - b


def divide(a, b):
    return a / b


def multiply(a, b):
    return`;
const PACKAGE = '{\n  "name": "alcove",\n  "version": "1.0.0"\n}\n';

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
  await openFiles(page, { "maths.py": MATHS, "heads.py": MATHS.slice(0, MATHS.indexOf("def multiply")), "package.json": PACKAGE, "notes.md": "# Notes\n" });
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const ghost = () => page.locator(".monaco-editor .ghost-text, .monaco-editor .ghost-text-decoration");
/** What is shown in grey, as it stands in the text: the editor draws spaces as another sign. */
const grey = async () => (await ghost().allTextContents()).join("").replaceAll("\u00a0", " ");
const shown = async () => {
  await ghost().first().waitFor({ timeout: 30_000 });
  return grey();
};
const gone = () => page.waitForFunction(() => !document.querySelector(".ghost-text, .ghost-text-decoration"), null, { timeout: 5000 });
/** The line of the caret as the editor has it. */
const lastLine = async () => {
  const lines = await page.locator(".monaco-editor .view-line").allTextContents();
  return lines.map((line) => line.replaceAll("\u00a0", " ")).find((line) => line.startsWith("    return a") && !/ [-+/] b/.test(line)) ?? "";
};
/** The editor asks by itself as well, and a newer question ends an older one. */
const complete = (place) =>
  page.evaluate(async (place) => {
    for (let tries = 0; ; tries++) {
      try {
        return await alcove.complete(place);
      } catch (err) {
        if (err.code !== "Cancelled" || tries === 5) throw err;
      }
    }
  }, place);
/** Go to the last line and empty it. The key goes to the first letter of the line: its indentation stays. */
const begin = async () => {
  await quickOpen(page, "maths.py");
  await inEditor(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+End");
  await page.keyboard.press("Shift+Home");
  await page.keyboard.press("Delete");
};

test("without a model nothing is asked, and a script is told why", async () => {
  const code = await page.evaluate(() => alcove.complete({ path: "maths.py", line: 14, utf16: 10 }).catch((err) => err.code));
  assert.equal(code, "ModelMissing");
});

test("grey text appears after a pause, and Tab takes it", async (t) => {
  await page.evaluate((id) => alcove.load(id), MODEL);
  await begin();
  await page.keyboard.type("return a");
  const text = await shown();
  t.diagnostic(`shown: ${JSON.stringify(text)}`);
  await picture(page, "suggest-ghost");
  assert.ok(text.trim().length > 0);
  await page.keyboard.press("Tab");
  await gone();
  assert.equal((await lastLine()).trimEnd(), `    return a${text}`.split("\n")[0].trimEnd());
});

test("Ctrl+Right takes a word, Escape drops the rest", async () => {
  await begin();
  await page.keyboard.type("return a");
  const text = await shown();
  const [word] = text.match(/^\s*\S+/);
  await page.keyboard.press("Control+ArrowRight");
  await page.waitForFunction((old) => (document.querySelector(".ghost-text, .ghost-text-decoration")?.textContent ?? "").replaceAll("\u00a0", " ") !== old, text);
  const line = await lastLine();
  assert.ok(line.startsWith(`    return a${word[0]}`), line);
  assert.ok(`    return a${text}`.startsWith(line.trimEnd().slice(0, 12)), line);
  await page.keyboard.press("Escape");
  await gone();
});

test("who types what is suggested keeps the rest of it", async () => {
  await begin();
  await page.keyboard.type("return a");
  const text = await shown();
  assert.ok(text.length > 2, text);
  await page.keyboard.type(text.slice(0, 2));
  assert.equal(await shown(), text.slice(2));
  // What was typed led to a place of its own, and what is known of it is the rest.
  const asked = await complete({ path: "maths.py", line: 14, utf16: 12 + 2 });
  assert.equal(asked.fromCache, true);
  assert.ok(asked.texts[0].startsWith(text.slice(2)), asked.texts[0]);
});

test("what closes a bracket itself takes the place of the one that the editor put there", async (t) => {
  await quickOpen(page, "heads.py");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("def multiply(a, b");
  const text = await shown();
  t.diagnostic(`shown: ${JSON.stringify(text)}`);
  await picture(page, "suggest-closing");
  await page.keyboard.press("Tab");
  await gone();
  const lines = (await page.locator(".monaco-editor .view-line").allTextContents()).map((line) => line.replaceAll("\u00a0", " "));
  const line = lines.find((line) => line.startsWith("def multiply"));
  assert.match(line, /^def multiply\(a, b.*\).*:\s*$/);
  assert.equal(line.split("(").length, line.split(")").length, line);
});

test("another key drops it, and a newer question ends the older one", async () => {
  await begin();
  await page.keyboard.type("return a");
  await shown();
  await page.keyboard.type("#");
  await gone();
  const codes = await page.evaluate(async () => {
    const ask = (line) => alcove.complete({ path: "maths.py", line, utf16: 0 }).then(() => "answered", (err) => err.code);
    // The editor asks as well while its own pause runs out, and ends both.
    for (let tries = 0; ; tries++) {
      const codes = await Promise.all([ask(3), ask(7)]);
      if (codes[1] === "answered" || tries === 5) return codes;
    }
  });
  assert.deepEqual(codes, ["Cancelled", "answered"]);
});

test("up to three different texts come when a person asks", async (t) => {
  const counts = [];
  // The model is certain of some places; of one of these it is not.
  for (const typed of ["return a", "# the", "print(", "total = "]) {
    await begin();
    await page.keyboard.type(typed);
    const asked = await complete({ path: "maths.py", line: 14, utf16: 4 + typed.length, alternatives: 3 });
    t.diagnostic(JSON.stringify([typed, asked.texts, asked.dropped]));
    await page.keyboard.press("Escape");
    assert.equal(new Set(asked.texts).size, asked.texts.length);
    counts.push(asked.texts.length);
  }
  assert.ok(Math.max(...counts) > 1 && Math.max(...counts) <= 3, `${counts}`);
});

test("what would break a file is not shown", async (t) => {
  const line = PACKAGE.split("\n").findIndex((line) => line.includes("version"));
  const asked = await complete({ path: "package.json", line: line + 1, utf16: PACKAGE.split("\n")[line].length, alternatives: 3 });
  t.diagnostic(JSON.stringify(asked));
  const num = Object.values(asked.dropped).reduce((sum, num) => sum + num, 0);
  assert.ok(num >= 1, "the model wrote nothing that breaks the file");
  for (const text of asked.texts) JSON.parse(PACKAGE.replace('"1.0.0"', `"1.0.0"${text}`));
});

test("switched off, nothing is shown where the model has something to say", async () => {
  await command(page, "Completions while typing: on or off");
  await begin();
  await page.keyboard.type("return a");
  const asked = await complete({ path: "maths.py", line: 14, utf16: 12 });
  assert.ok(asked.texts.length > 0);
  assert.equal(await ghost().count(), 0);
  await command(page, "Completions while typing: on or off");
  await inEditor(page);
  await page.keyboard.press("Alt+\\");
  await shown();
  await page.keyboard.press("Escape");
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
