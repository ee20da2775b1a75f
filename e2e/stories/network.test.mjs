// The network goes away: what was loaded goes on, what cannot be fetched is told in a sentence, and comes when it can be.
// Most of it is waiting, so other stories may run beside it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { inEditor, quickOpen, said, start } from "../lib/hands.mjs";
import { isSentence } from "../lib/sentence.mjs";

let browser, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("without the network everything that was loaded goes on, and what cannot is told", async () => {
  // A server of its own, so that it can really go away: what a browser calls offline leaves some workers their network.
  const url = process.env.ALCOVE_URL;
  delete process.env.ALCOVE_URL;
  const mortal = await serve();
  if (url) process.env.ALCOVE_URL = url;
  const other = await browser.context.newPage();
  await openApp(other, mortal.url);
  await openFiles(other, { "a.py": "def offline_needle():\n    return 1\n" });
  await untilStatus(other, (s) => s.layers.symbols.total === 1 && s.layers.symbols.done === 1);
  await quickOpen(other, "a.py");
  await inEditor(other);
  await mortal.stop();
  for (const until = Date.now() + 30_000; await fetch(`${mortal.url}/healthz`).catch(() => null); ) assert.ok(Date.now() < until, "the server does not end");
  await other.keyboard.type("# typed offline\n");
  await other.keyboard.press("Control+s");
  await eventually(other, async () => (await alcove.read("a.py")).startsWith("# typed offline"));
  const first = async (query) => (await other.evaluate((query) => alcove.search(query, { mode: "word" }), query))[0];
  assert.equal((await first("offline_needle"))?.startLine, 2);
  // A language that was not met before: its grammar cannot be had, so its files are found by lines, and that is said.
  await openFiles(other, { "b.go": "package main\n\nfunc offlineToo() {}\n" });
  assert.equal((await first("offlineToo"))?.path, "b.go");
  isSentence(await said(other, /grammar of go could not be loaded/));
  await start(other);
  const before = (await other.evaluate(() => alcove.workspaces())).length;
  await other.getByRole("button", { name: "Open sample" }).click();
  isSentence(await said(other, /sample could not be fetched/));
  assert.equal((await other.evaluate(() => alcove.workspaces())).length, before);
  await picture(other, "network-offline");
  // Neither can a worker that died be fetched again. The text that is being edited stays, and the page says so.
  const [kept] = (await other.evaluate(() => alcove.workspaces())).filter((w) => w.numFiles === 1);
  await other.evaluate((id) => alcove.openWorkspace(id), kept.id);
  await quickOpen(other, "b.go");
  await inEditor(other);
  await other.keyboard.type("// not saved\n");
  await other.evaluate(() => void alcove.debug.killEngine());
  await other.getByText(/Engine is being started again|Engine failed: start again/).first().waitFor();
  await other.locator(".view-lines", { hasText: "not saved" }).waitFor();
  await picture(other, "network-offline-engine");
  await other.close();
});

test("where the editor cannot be fetched a file is edited as plain text, also beyond what is shown of long ones", async () => {
  const other = await browser.context.newPage();
  const editor = /assets\/monaco-.*\.js/;
  await other.route(editor, (route) => route.abort());
  await openApp(other, server.url);
  await openFiles(other, { "plain.txt": "line\n".repeat(4990), "long.txt": "line\n".repeat(5001) });
  await quickOpen(other, "plain.txt");
  isSentence(await other.locator(".editor-notice", { hasText: "plain text" }).locator("span").innerText());
  const area = (name) => other.getByRole("textbox", { name });
  await area("plain.txt").focus();
  await other.keyboard.press("Control+End");
  await other.keyboard.insertText("more\n".repeat(20));
  await other.keyboard.type("the end");
  await other.keyboard.press("Control+s");
  await eventually(other, async () => (await alcove.read("plain.txt")).endsWith("more\nthe end"));
  assert.ok(await area("plain.txt").isEditable());
  await quickOpen(other, "long.txt");
  isSentence(await other.locator(".editor-notice", { hasText: "This file is long" }).innerText());
  assert.ok(!(await area("long.txt").isEditable()));
  await picture(other, "network-plain");
  await other.unroute(editor);
  await other.getByRole("button", { name: "Try again" }).click();
  await other.locator(".monaco-editor .view-lines").first().waitFor();
  await inEditor(other);
  assert.equal(await other.evaluate(() => alcove.read("long.txt").then((text) => text.length)), 5 * 5001);
  await other.close();
});

test("a worker whose script cannot be fetched is given up in a sentence, and starts when it can be", async () => {
  const other = await browser.context.newPage();
  await openApp(other, server.url);
  await openFiles(other, { "kept.py": "def kept():\n    return 1\n" });
  await untilStatus(other, (s) => s.layers.vectors.device !== "");
  const scripts = "**/workers/boot.js*";
  await other.context().route(scripts, (route) => route.abort("connectionrefused"));
  await other.evaluate(() => {
    void alcove.debug.killEngine();
    void alcove.debug.killModel();
  });
  const failed = other.getByRole("button", { name: "Engine failed: start again" });
  await failed.waitFor({ timeout: 40_000 });
  const model = other.locator(".status-item.device", { hasText: "No model" });
  await model.waitFor({ timeout: 40_000 });
  isSentence((await other.evaluate(() => alcove.read("kept.py").then(String, (err) => err.message))));
  await other.context().unroute(scripts);
  await failed.click();
  await eventually(other, async () => (await alcove.read("kept.py")).startsWith("def kept"));
  // The model's worker needs nobody to press anything once the browser tells that there is a network again.
  await other.evaluate(() => void window.dispatchEvent(new Event("online")));
  await model.waitFor({ state: "detached" });
  await untilStatus(other, (s) => s.layers.vectors.device !== "");
  await other.close();
});

test("an editor whose helper cannot be fetched edits all the same", async () => {
  const other = await browser.context.newPage();
  await other.route("**/editor-worker-*", (route) => route.abort("connectionrefused"));
  const warned = other.waitForEvent("console", (message) => message.type() === "warning" && message.text().includes("part of the editor could not be fetched"));
  await openApp(other, server.url);
  await openFiles(other, { "a.py": "def plain():\n    return 1\n" });
  await quickOpen(other, "a.py");
  await inEditor(other);
  await other.keyboard.type("# typed\n");
  await warned;
  // Nothing can be marked without it, and that is said where the person looks.
  await other.keyboard.press("Alt+d");
  const compare = other.getByRole("dialog", { name: "Changes to a.py" });
  await compare.getByText("a part of the editor could not be fetched").waitFor();
  await compare.locator(".view-lines", { hasText: "# typed" }).waitFor();
  await picture(other, "hostile-no-helper");
  await other.keyboard.press("Escape");
  await compare.waitFor({ state: "detached" });
  await other.keyboard.press("Control+s");
  await eventually(other, async () => (await alcove.read("a.py")).startsWith("# typed"));
  await other.close();
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(
    browser.trouble.filter((line) => !/ERR_CONNECTION_REFUSED|ERR_FAILED|Failed to fetch/.test(line)),
    [],
  );
});
