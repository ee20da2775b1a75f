// A person opens files, finds things by words, exact text, names and meaning, edits, saves, and finds the new text.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { crates } from "../lib/project.mjs";

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("files can be opened and every layer becomes ready", async () => {
  await openFiles(page, { ...crates("store", "text"), "notes/größe.md": "# Notes\n\nÜber Grüße.\n" });
  await untilStatus(page, (s) => s.layers.lexical.total > 10 && s.layers.lexical.done === s.layers.lexical.total);
  await untilStatus(page, (s) => s.layers.symbols.done === s.layers.symbols.total);
  await picture(page, "opened");
  await untilStatus(page, (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total, 180_000);
  await picture(page, "indexed");
});

test("words find the place where they stand", async () => {
  const hits = await page.evaluate(() => alcove.search("superblock generation", { k: 5, layers: ["lexical"] }));
  assert.ok(hits.some((hit) => hit.path.startsWith("store/src/")), JSON.stringify(hits));
  assert.ok(hits.every((hit) => hit.startLine >= 1 && hit.endLine >= hit.startLine));
});

test("meaning finds what words do not", async () => {
  const hits = await page.evaluate(() =>
    alcove.search("make everything survive a power failure", { k: 10, layers: ["vectors"] }),
  );
  assert.ok(hits.length > 0 && hits.every((hit) => hit.layers.includes("vectors")), JSON.stringify(hits));
  assert.ok(hits.some((hit) => hit.path.startsWith("store/")), JSON.stringify(hits.map((hit) => hit.path)));
});

test("fused results name the layers that agree", async () => {
  const hits = await page.evaluate(() => alcove.search("LineIndex", { k: 10 }));
  assert.ok(hits[0].path.includes("text/src/"), JSON.stringify(hits[0]));
  assert.ok(hits[0].layers.length >= 2, JSON.stringify(hits[0].layers));
});

test("a saved edit is found at once, by word and by meaning", async () => {
  const { numFiles, chunksEmbedded } = await page.evaluate(() => alcove.status());
  await page.evaluate(() => alcove.write("notes/new.py", "def brew_coffee(cups):\n    return 'hot espresso' * cups\n"));
  const hits = await page.evaluate(() => alcove.search("brew_coffee", { k: 3, layers: ["lexical"] }));
  assert.equal(hits[0]?.path, "notes/new.py");
  // The state is told a few times a second: what does not count the new file yet says nothing about it. And until the
  // file is parsed nobody knows how many vectors it needs.
  const parsed = (s) => s.numFiles === numFiles + 1 && s.chunksEmbedded > chunksEmbedded && s.layers.symbols.done === s.layers.symbols.total;
  await untilStatus(page, (s) => parsed(s) && s.layers.vectors.done === s.layers.vectors.total, 60_000);
  const meant = await page.evaluate(() => alcove.search("prepare a warm drink", { k: 3, layers: ["vectors"] }));
  assert.equal(meant[0]?.path, "notes/new.py", JSON.stringify(meant));
  assert.equal(await page.evaluate(() => alcove.read("notes/new.py")), "def brew_coffee(cups):\n    return 'hot espresso' * cups\n");
});

test("embedding can be paused, and goes on at a press", async () => {
  await page.evaluate(() => alcove.pauseEmbedding(true));
  const { chunksEmbedded } = await page.evaluate(() => alcove.status());
  await page.evaluate(() => alcove.write("notes/tea.py", "def pour_tea(cups):\n    return 'green tea' * cups\n"));
  const waits = (s) => s.layers.symbols.done === s.layers.symbols.total && s.layers.vectors.done < s.layers.vectors.total;
  await untilStatus(page, waits);
  const hits = await page.evaluate(() => alcove.search("pour_tea", { k: 3 }));
  assert.equal(hits[0]?.path, "notes/tea.py");
  // Several times as long as one chunk takes.
  await page.waitForTimeout(1500);
  const paused = await page.evaluate(() => alcove.status());
  assert.ok(waits(paused) && paused.chunksEmbedded === chunksEmbedded, JSON.stringify(paused));
  await page.getByRole("button", { name: "Go on with embedding" }).click();
  await untilStatus(page, (s) => s.layers.vectors.done === s.layers.vectors.total && s.chunksEmbedded > chunksEmbedded, 60_000);
});

test("what the words find is shown while the meaning of a long question is still worked out", async () => {
  await page.keyboard.press("Control+Shift+f");
  const field = page.getByRole("combobox", { name: "Search the workspace" });
  await field.waitFor();
  assert.equal(await page.locator("#hit-0").count(), 0);
  await page.evaluate(() => {
    globalThis.early = false;
    const look = () => {
      const list = document.querySelector("#search-results[aria-busy=true] #hit-0");
      if (list) globalThis.early = true;
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  // As long as a question can be for the model: its vector takes several times the pause before the list is shown.
  await field.fill(`superblock generation ${"how does a crash in the middle of a commit leave the workspace readable ".repeat(40)}`);
  await page.locator("#search-results[aria-busy=false] #hit-0").waitFor();
  assert.ok(await page.evaluate(() => globalThis.early), "the list came only when all layers had answered");
  await field.fill("");
});

test("a filter narrows the search", async () => {
  const hits = await page.evaluate(() => alcove.search("error", { k: 20, filter: { path: "text/**" } }));
  assert.ok(hits.length > 0 && hits.every((hit) => hit.path.startsWith("text/")), JSON.stringify(hits));
});

test("asking for the search again offers what was asked for replacement", async () => {
  const value = () => page.getByRole("combobox", { name: "Search the workspace" }).inputValue();
  await page.keyboard.press("Control+Shift+F");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("first question");
  // Once where the field has the keyboard already, and once from another panel.
  for (const [from, question] of [["Control+Shift+F", "second"], ["Control+Shift+O", "third"]]) {
    await page.keyboard.press(from);
    await page.keyboard.press("Control+Shift+F");
    await page.waitForFunction(() => getSelection().type === "Range" || document.activeElement.selectionEnd > document.activeElement.selectionStart);
    await page.keyboard.type(question);
    assert.equal(await value(), question);
  }
});

test("a mistake is told with a code and a sentence", async () => {
  const fault = await page.evaluate(() => alcove.read("no/such/file").then(() => null, (err) => ({ code: err.code, message: err.message })));
  assert.equal(fault?.code, "NotFound");
  assert.match(fault.message, /no\/such\/file/);
});

test("nothing went wrong in the console on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
