// What the panels beside the editor do with files: renaming and deleting them in the tree, narrowing a search by its form;
// and that what is written down about languages and about `window.alcove` is so.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, picture, serve, top, untilStatus } from "../lib/alcove.mjs";
import { command, inEditor, quickOpen } from "../lib/hands.mjs";

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
  await page.locator("main.start").waitFor();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const paths = () => page.evaluate(async () => (await alcove.files()).map((file) => file.path));
const allKnown = (s) =>
  [s.layers.symbols, s.layers.vectors].every((layer) => layer.total > 0 && layer.done === layer.total) && s.numFiles > 0;
async function inTree() {
  await page.keyboard.press("Control+Shift+e");
  await page.waitForFunction(() => document.activeElement?.matches("[role=tree]"));
}

test("a file that is renamed keeps its tab, is found under its new name, and nothing is embedded again", async () => {
  await openFiles(page, {
    "kitchen/tea.py": "def brew_tea(cups):\n    return 'tea' * cups\n\n\ndef pour_tea(cups):\n    return brew_tea(cups)\n",
    "kitchen/notes.md": "# Tea\n\nHow it is made.\n",
    "garden/herbs.rs": "pub struct Mint {\n    pub leaves: u32,\n}\n\npub fn brew_mint(mint: &Mint) -> u32 {\n    mint.leaves\n}\n",
  });
  const { chunksEmbedded } = await untilStatus(page, allKnown, 120_000);
  await quickOpen(page, "tea.py");
  await inEditor(page);
  await command(page, "Rename file…");
  const prompt = page.getByRole("dialog", { name: "Rename tea.py" });
  await prompt.getByLabel("New path").fill("kitchen/green.py");
  await page.keyboard.press("Enter");
  await page.locator(".tab-bar [role=tab][aria-selected=true]", { hasText: "green.py" }).waitFor();
  assert.deepEqual(await paths(), ["garden/herbs.rs", "kitchen/green.py", "kitchen/notes.md"]);
  const status = await untilStatus(page, allKnown);
  assert.equal(status.chunksEmbedded, chunksEmbedded);
  assert.equal((await page.evaluate(() => alcove.search("brew_tea", { k: 1 })))[0]?.path, "kitchen/green.py");
});

test("a folder is renamed in the tree with the keyboard, and its open file goes along", async () => {
  await inTree();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("F2");
  const prompt = page.getByRole("dialog", { name: "Rename kitchen" });
  await prompt.getByLabel("New path").fill("house/kitchen");
  await page.keyboard.press("Enter");
  await prompt.waitFor({ state: "detached" });
  await page.locator(".tab-bar [role=tab][title='house/kitchen/green.py']").waitFor();
  assert.deepEqual(await paths(), ["garden/herbs.rs", "house/kitchen/green.py", "house/kitchen/notes.md"]);
  assert.match(await page.evaluate(() => alcove.read("house/kitchen/notes.md")), /How it is made/);
});

test("a name that is taken is told in a sentence, and both files stay", async () => {
  await quickOpen(page, "green.py");
  await inEditor(page);
  await command(page, "Rename file…");
  await page.getByLabel("New path").fill("garden/herbs.rs");
  await page.keyboard.press("Enter");
  await page.locator(".toast", { hasText: "There is already something called garden/herbs.rs." }).waitFor();
  assert.equal((await paths()).length, 3);
  await page.getByRole("button", { name: "Dismiss this message" }).click();
});

test("a file is deleted from the tree after a question, and is neither open nor found any more", async () => {
  await quickOpen(page, "green.py");
  await inTree();
  await page.keyboard.press("Delete");
  const question = page.getByRole("dialog", { name: "Delete green.py?" });
  await question.waitFor();
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  assert.equal((await paths()).length, 3);
  // The keyboard is back where it was.
  await page.waitForFunction(() => document.activeElement?.matches("[role=tree]"));
  await page.keyboard.press("Delete");
  await question.getByRole("button", { name: "Delete" }).click();
  await page.locator(".tab-bar [role=tab][title='house/kitchen/green.py']").waitFor({ state: "detached" });
  assert.deepEqual(await paths(), ["garden/herbs.rs", "house/kitchen/notes.md"]);
  // The notes have one of the words, too.
  const hits = await page.evaluate(() => alcove.search("pour_tea", { k: 5 }));
  assert.deepEqual(hits.filter((hit) => !["garden/herbs.rs", "house/kitchen/notes.md"].includes(hit.path)), []);
});

test("the form of the search narrows by files, language, kind and time", async () => {
  await page.evaluate(() =>
    alcove.open([
      { path: "src/tea.py", bytes: "class Tea:\n    def brew(self):\n        return 'tea'\n", modified: Date.now() },
      { path: "src/tea.rs", bytes: "pub struct Tea;\n\npub fn brew() -> Tea {\n    Tea\n}\n", modified: Date.now() - 3 * 86_400_000 },
      { path: "docs/tea.md", bytes: "# Tea\n\nHow to brew tea.\n", modified: Date.now() - 90 * 86_400_000 },
    ]),
  );
  await untilStatus(page, (s) => s.numFiles === 3 && s.layers.symbols.done === 3);
  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("combobox", { name: "Search the workspace" }).fill("brew tea");
  await page.getByRole("button", { name: "Filters" }).click();
  const found = async (...expected) => {
    await page.waitForFunction((expected) => {
      const files = [...document.querySelectorAll("#search-results[aria-busy=false] .hit-file")].map((file) => file.title);
      return JSON.stringify(files.sort()) === JSON.stringify(expected);
    }, expected.sort());
  };
  const [files, language, kind, changed] = ["Files", "Language", "Kind", "Changed"].map((name) => page.locator(".filters").getByLabel(name));
  await found("docs/tea.md", "src/tea.py", "src/tea.rs");
  await files.fill("src/**");
  await found("src/tea.py", "src/tea.rs");
  await files.fill("!**/*.rs");
  await found("docs/tea.md", "src/tea.py");
  await files.fill("");
  await language.selectOption("rust");
  await found("src/tea.rs");
  await language.selectOption("");
  await kind.selectOption("struct");
  await found("src/tea.rs");
  await kind.selectOption("heading");
  await found("docs/tea.md");
  await kind.selectOption("");
  await changed.selectOption("In the last day");
  await found("src/tea.py");
  await changed.selectOption("In the last week");
  await found("src/tea.py", "src/tea.rs");
  await picture(page, "panels-filters");
  await changed.selectOption("At any time");
  await found("docs/tea.md", "src/tea.py", "src/tea.rs");
});

test("each language that is named is coloured", async () => {
  const texts = {
    "a.ts": "const tea: string = 'green'; // hot", "a.js": "const tea = 'green'; // hot", "a.py": "def tea(): # hot\n    return 'green'",
    "a.rs": "fn tea() -> &'static str { \"green\" } // hot", "a.go": "package tea\n\nvar x = \"green\" // hot", "A.java": "class A { String x = \"green\"; } // hot",
    "a.c": "int tea = 1; /* hot */", "a.cpp": "class Tea { int x = 1; }; // hot", "a.cs": "class A { string x = \"green\"; } // hot",
    "a.rb": "def tea # hot\n  'green'\nend", "a.php": "<?php\nfunction tea() { return 'green'; } // hot", "a.html": "<p class=\"tea\">green</p><!-- hot -->",
    "a.css": ".tea { color: green; /* hot */ }", "a.json": "{ \"tea\": [1, true, \"green\"] }", "a.yaml": "tea: green # hot\ncups: 2",
    "a.toml": "[tea]\nkind = \"green\" # hot", "a.md": "# Tea\n\n**green** `hot`", "a.sql": "SELECT 'green' FROM tea WHERE cups = 2 -- hot",
    "a.sh": "for tea in green; do echo \"$tea\"; done # hot",
  };
  await openFiles(page, texts);
  for (const path of Object.keys(texts)) {
    await page.evaluate((path) => alcove.show(path), path);
    await page.locator(`.tab-bar [role=tab][aria-selected=true][title='${path}']`).waitFor();
    // Text without colours is one run of one class.
    await page
      .waitForFunction(() => new Set([...document.querySelectorAll(".view-line span[class^=mtk]")].map((run) => run.classList[0])).size > 1)
      .catch(() => assert.fail(`${path} has no colours`));
  }
  await picture(page, "panels-colours");
});

test("what the types of window.alcove name is what is there", async () => {
  const types = readFileSync(join(top, "app/js/alcove.d.ts"), "utf8");
  const body = /export interface Alcove \{\n([\s\S]*?)\n\}/.exec(types)[1];
  const names = (indent) => [...new Set([...body.matchAll(new RegExp(`^ {${indent}}(\\w+)[(:]`, "gm"))].map((match) => match[1]))].sort();
  const there = await page.evaluate(() => [Object.keys(alcove).sort(), Object.keys(alcove.debug).sort()]);
  assert.deepEqual(there, [names(2), names(4)]);
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
