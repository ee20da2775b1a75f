// Nothing is lost when a tab is reloaded, and nothing is computed twice.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { inEditor, quickOpen, said } from "../lib/hands.mjs";
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

test("a reload brings the workspace back without embedding anything again", async () => {
  await openFiles(page, crates("text", "stdx"));
  await untilStatus(page, (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total, 120_000);
  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("combobox", { name: "Search the workspace" }).fill("where does a line begin");
  await page.locator(".layer-meaning").first().waitFor();
  // The index is saved once nothing was written for a moment.
  await page.waitForTimeout(3000);
  await openApp(page, server.url);
  await untilStatus(page, (s) => s.numFiles > 5 && s.layers.vectors.done === s.layers.vectors.total && s.layers.symbols.done === s.layers.symbols.total);
  const status = await page.evaluate(() => alcove.status());
  assert.equal(status.chunksEmbedded, 0, JSON.stringify(status));
  const hits = await page.evaluate(() => alcove.search("LineIndex", { k: 3 }));
  assert.match(hits[0].path, /^text\/src\//);
  // The question is asked again at once, by words, and once more when there is a model that knows what it means.
  await page.locator(".layer-meaning").first().waitFor({ timeout: 15_000 });
  await picture(page, "reloaded");
});

test("a reload brings back the tabs and the place in each", async () => {
  await page.evaluate(() => alcove.show("text/src/lib.rs", 7));
  await page.waitForFunction(() => document.querySelector(".status-bar, footer")?.textContent.includes("Ln 7"));
  // What the page does when it is left; the engine then answers in the order in which it was asked.
  await page.evaluate(() => (dispatchEvent(new Event("blur")), alcove.status()));
  await openApp(page, server.url);
  await page.waitForFunction(() => document.querySelector(".status-bar, footer")?.textContent.includes("Ln 7"), null, { timeout: 15_000 });
  assert.equal(await page.locator(".tab-bar [role=tab][aria-selected=true]").innerText().then((text) => text.includes("lib.rs")), true);
  // A person writes on where the reload found them.
  await page.waitForFunction(() => document.activeElement?.closest(".monaco-editor"), null, { timeout: 5000 });
  // The tree has its keyboard on that file, and not on its first row: F2 would rename that.
  await page.keyboard.press("Control+Shift+e");
  await page.waitForFunction(() => document.activeElement?.matches("[role=tree]"));
  await page.keyboard.press("F2");
  await page.getByRole("dialog", { name: "Rename lib.rs" }).waitFor({ timeout: 5000 });
  await page.keyboard.press("Escape");
});

test("a second tab reads, says so, and takes over when the first closes", async () => {
  const second = await browser.context.newPage();
  await openApp(second, server.url);
  await untilStatus(second, (s) => s.access === "Reader" && s.numFiles > 5);
  const refused = await second.evaluate(() => alcove.write("x.txt", "x").then(() => null, (err) => err.code));
  assert.equal(refused, "ReadOnly");
  await picture(second, "second-tab");
  // Open here as it was saved; what the first tab types now is nowhere on this screen.
  await second.evaluate(() => alcove.show("text/src/lib.rs"));
  await second.locator(".view-lines").first().waitFor();
  await page.bringToFront();
  await quickOpen(page, "text/src/lib.rs");
  await inEditor(page);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("// Typed in the first tab.");
  await eventually(page, async () => (await alcove.files()).some((file) => file.path === "text/src/lib.rs" && file.hasDraft));
  await page.close();
  await untilStatus(second, (s) => s.access === "Writer", 20_000);
  await said(second, /The other tab was closed\. You can edit here now\./);
  await second.locator(".view-lines", { hasText: "Typed in the first tab." }).first().waitFor({ timeout: 10_000 });
  await quickOpen(second, "text/src/lib.rs");
  await inEditor(second);
  await second.keyboard.press("Control+Home");
  await second.keyboard.type("/* And in the second. */");
  await second.keyboard.press("Control+s");
  await eventually(second, async () => (await alcove.read("text/src/lib.rs")).startsWith("/* And in the second. */// Typed in the first tab."));
  await second.evaluate(() => alcove.write("x.txt", "now it works"));
  assert.equal(await second.evaluate(() => alcove.read("x.txt")), "now it works");
});

test("a page that the server has outgrown starts no worker of another build, and says what to do", async () => {
  const old = await browser.context.newPage();
  await openApp(old, server.url);
  for (const other of browser.context.pages()) if (other !== old) await other.close();
  await untilStatus(old, (s) => s.access === "Writer" && s.numFiles > 5, 20_000);
  // The engine has the workspace before the page shows it, and until then keys have nothing to act on.
  await old.getByRole("tree").first().waitFor();
  await quickOpen(old, "text/src/lib.rs");
  await inEditor(old);
  // What the server gives after an update: the same file with the id of another build.
  await browser.context.route("**/workers/boot.js*", async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/served = '[0-9a-f]+'/, "served = '0123456789ab'");
    assert.match(body, /0123456789ab/);
    await route.fulfill({ response, body });
  });
  await old.evaluate(() => void alcove.debug.killEngine());
  const reload = old.getByRole("button", { name: "Alcove was updated: reload" });
  await reload.waitFor({ timeout: 15_000 });
  // The engine's end was told as a short break; that is taken back.
  await said(old, /Reload the page to go on; what is typed until then is not kept\./);
  assert.equal(await old.getByText("The engine stopped and is being started again").count(), 0);
  await picture(old, "stale-build");
  const refused = await old.evaluate(() => alcove.read("x.txt").then(() => null, (err) => ({ code: err.code, message: err.message })));
  assert.equal(refused.code, "StaleBuild");
  assert.match(refused.message, /Reload the page/);
  // What is typed from now on is kept by nobody: leaving the page asks first, and only then.
  const asks = () => old.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
  assert.equal(await asks(), false);
  await old.locator(".monaco-editor .view-lines").first().click();
  await inEditor(old);
  await old.keyboard.type("x");
  await old.locator(".tab.dirty").waitFor();
  assert.equal(await asks(), true);
  await old.keyboard.press("Control+z");
  await old.locator(".tab.dirty").waitFor({ state: "detached" });
  await browser.context.unroute("**/workers/boot.js*");
  await reload.click();
  await untilStatus(old, (s) => s.numFiles > 5);
  assert.equal(await old.evaluate(() => alcove.read("x.txt")), "now it works");
});

test("a model worker alone that the server has outgrown says so, and words and symbols go on", async () => {
  const old = await browser.context.newPage();
  await openApp(old, server.url);
  for (const other of browser.context.pages()) if (other !== old) await other.close();
  await untilStatus(old, (s) => s.numFiles > 5 && s.layers.vectors.done === s.layers.vectors.total, 60_000);
  const device = old.locator(".status-item.device");
  await device.filter({ hasText: "CPU" }).waitFor({ timeout: 60_000 });
  await browser.context.route("**/workers/boot.js*", async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/served = '[0-9a-f]+'/, "served = '0123456789ab'");
    await route.fulfill({ response, body });
  });
  await old.evaluate(() => void alcove.debug.killModel());
  await device.filter({ hasText: "No model" }).waitFor({ timeout: 20_000 });
  await device.click();
  await old.getByText(/Search by meaning is off: Alcove was updated.*reload the page/).first().waitFor();
  await picture(old, "stale-model");
  const hits = await old.evaluate(() => alcove.search("LineIndex", { k: 3 }));
  assert.match(hits[0].path, /^text\/src\//);
  await browser.context.unroute("**/workers/boot.js*");
});

test("a reload in the middle of a save loses neither what was saved nor what was typed", async () => {
  await page.close();
  page = await browser.page();
  await openApp(page, server.url);
  // Long enough that the engine is still writing when the page goes.
  const long = "a line of a long text with some words in it\n".repeat(40_000);
  await openFiles(page, { "long.txt": long });
  assert.equal((await page.evaluate(() => alcove.status())).numFiles, 1);
  const text = () => page.evaluate(() => alcove.read("long.txt"));
  let expected = long;
  for (const [round, pause] of [0, 30, 150, 600].entries()) {
    await quickOpen(page, "long.txt");
    await inEditor(page);
    await page.keyboard.press("Control+End");
    const typed = `round ${round} `;
    await page.keyboard.type(typed);
    expected += typed;
    await page.keyboard.press("Control+s");
    await page.waitForTimeout(pause);
    await page.reload();
    await page.waitForFunction(() => globalThis.alcove !== undefined);
    await page.locator(".workbench").waitFor();
    // Where the caret was may be lost; what was typed may not.
    await quickOpen(page, "long.txt");
    await inEditor(page);
    await page.keyboard.press("Control+End");
    await page.locator(".view-lines", { hasText: typed.trim() }).waitFor();
    const kept = await text();
    assert.ok(kept === expected || kept === expected.slice(0, -typed.length), `${kept.length} characters are saved, expected ${expected.length}`);
    // What was not saved is on the screen, and marked.
    assert.equal(await page.locator(".tab.dirty").count(), kept === expected ? 0 : 1);
    console.log(`# reload ${pause} ms after Ctrl+S: ${kept === expected ? "saved" : "kept as unsaved"}`);
    if (kept === expected) continue;
    await page.keyboard.press("Control+s");
    await page.locator(".tab.dirty").waitFor({ state: "detached" });
    assert.ok((await text()) === expected);
  }
});

test("what is typed while the engine is away is there after a reload", async () => {
  await page.close();
  page = await browser.page();
  await openApp(page, server.url);
  await openFiles(page, { "away.txt": "a line\n" });
  await quickOpen(page, "away.txt");
  await inEditor(page);
  // The engine that follows gets no answer from the server, and so never gets to hear of what is typed.
  let isAway = true;
  const asked = new Promise((resolve) => {
    void browser.context.route("**/workers/boot.js*", (route) => (isAway ? resolve() : route.continue()));
  });
  await page.evaluate(() => void alcove.debug.killEngine());
  await asked;
  await page.keyboard.type("Typed meanwhile. ");
  isAway = false;
  await page.reload();
  await untilStatus(page, (s) => s.numFiles === 1);
  await browser.context.unroute("**/workers/boot.js*");
  // Which tabs were open may be lost with the engine; the tree marks what is not saved.
  await page.getByRole("treeitem", { name: /away\.txt.*unsaved/ }).waitFor();
  await quickOpen(page, "away.txt");
  await inEditor(page);
  await page.locator(".view-lines", { hasText: "Typed meanwhile. a line" }).waitFor();
  await page.locator(".tab.dirty").waitFor();
  await picture(page, "typed-while-away");
  assert.equal(await page.evaluate(() => alcove.read("away.txt")), "a line\n");
  await page.keyboard.press("Control+s");
  await page.locator(".tab.dirty").waitFor({ state: "detached" });
  // It was given to the engine once, and does not come back over what was saved since.
  await page.reload();
  await untilStatus(page, (s) => s.numFiles === 1);
  assert.equal(await page.evaluate(() => alcove.read("away.txt")), "Typed meanwhile. a line\n");
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("alcove.parting")).length), 0);
});
