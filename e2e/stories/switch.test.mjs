// One workspace gives way to another: nothing of the one that is left gets into the next, and nothing of it is lost.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { command, inEditor, onDisk, quickOpen, said } from "../lib/hands.mjs";
import { zip } from "../lib/zip.mjs";

let browser, page, server;
const models = [];
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  page.on("worker", (worker) => {
    const module = new URL(worker.url()).searchParams.get("module");
    if (module?.startsWith("model")) models.push(module);
  });
  await openApp(page, server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const shown = (text) => page.locator(".view-lines", { hasText: text }).first().waitFor({ timeout: 10_000 });
const dirty = (name) => page.locator("[role=tab]", { hasText: name }).getByText("unsaved changes");
const id = (target = page) => target.evaluate(async () => (await alcove.status()).workspace.id);
const named = (name) => page.evaluate(async (name) => (await alcove.workspaces()).filter((w) => w.name === name).map((w) => w.id), name);
const draft = (path) => page.evaluate(async (path) => (await alcove.files()).find((file) => file.path === path)?.hasDraft, path);

/** Open files in a new workspace of this name. */
const open = (name, files) =>
  page.evaluate(([name, files]) => alcove.open(Object.entries(files).map(([path, bytes]) => ({ path, bytes })), { name }), [name, files]);

test("an import that is running ends with its workspace, and brings nothing into the next one", async () => {
  await page.evaluate(() => {
    const many = Array.from({ length: 20_000 }, (_, n) => ({ path: `many/${n}.txt`, bytes: `file ${n}\n`.repeat(30) }));
    many.unshift({ path: "README.md", bytes: "# Of the first\n" });
    globalThis.first = alcove.open(many, { name: "first" }).then(() => "done", (err) => err.code);
  });
  await untilStatus(page, (s) => s.workspace?.name === "first" && s.numFiles > 0);
  await open("second", { "README.md": "# Of the second\n" });
  assert.equal(await page.evaluate(() => globalThis.first), "Cancelled");
  await said(page, /Reading files into “first” was stopped/);
  assert.deepEqual(await page.evaluate(async () => (await alcove.files()).map((file) => file.path)), ["README.md"]);
  assert.equal(await page.evaluate(() => alcove.read("README.md")), "# Of the second\n");
  await page.evaluate((id) => alcove.deleteWorkspace(id), (await named("first"))[0]);
});

test("text that was typed a moment before another workspace opens is kept where it belongs", async () => {
  const second = await id();
  await quickOpen(page, "README.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("Typed in the second.");
  await open("third", { "README.md": "# Of the third\n" });
  assert.equal(await draft("README.md"), false);
  await page.evaluate(() => alcove.show("README.md"));
  await shown("Of the third");
  assert.equal(await dirty("README.md").count(), 0);
  await page.evaluate((id) => alcove.openWorkspace(id), second);
  assert.equal(await draft("README.md"), true);
  await shown("Typed in the second.");
  await dirty("README.md").waitFor({ state: "attached" });
});

test("a file that was being read when its workspace was left is not shown in the next one", async () => {
  const third = (await named("third"))[0];
  await open("fourth", { "README.md": "# Of the fourth\n" });
  for (let round = 0; round < 3; round++) {
    await page.evaluate(async ([there]) => {
      await alcove.show("README.md");
      await alcove.openWorkspace(there);
      await alcove.show("README.md");
    }, [round % 2 ? (await named("fourth"))[0] : third]);
    await shown(round % 2 ? "Of the fourth" : "Of the third");
    await page.waitForTimeout(200);
    await shown(round % 2 ? "Of the fourth" : "Of the third");
  }
});

test("a file that is no exported workspace leaves the open one as it was", async () => {
  await open("fifth", { "a.md": "# A\n", "b.md": "# B\n" });
  await quickOpen(page, "b.md");
  await quickOpen(page, "a.md");
  const there = await id();
  const bad = join(onDisk("bad", { "not.zip": "no archive" }), "not.zip");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), command(page, "Import a workspace from a file")]);
  await chooser.setFiles(bad);
  await said(page, /not a readable zip archive/);
  await page.locator(".workbench").waitFor();
  assert.equal(await id(), there);
  assert.equal((await page.evaluate(() => alcove.files())).length, 2);
  for (const name of ["a.md", "b.md"]) await page.locator("[role=tab]", { hasText: name }).waitFor();
  await picture(page, "switch-failed");
  // Longer than the page waits before it writes down what stands where.
  await page.waitForTimeout(600);
  await openApp(page, server.url);
  for (const name of ["a.md", "b.md"]) await page.locator("[role=tab]", { hasText: name }).waitFor();
});

test("a workspace that another tab deleted leaves the open one as it was, and says so", async () => {
  const [fourth] = await named("fourth");
  const other = await browser.context.newPage();
  await openApp(other, server.url);
  await other.evaluate((id) => alcove.deleteWorkspace(id), fourth);
  await other.close();
  const before = await id();
  assert.equal(await page.evaluate((id) => alcove.openWorkspace(id).then(() => null, (err) => err.code), fourth), "NotFound");
  await page.locator(".workbench").waitFor();
  assert.equal(await id(), before);
  await page.locator("[role=tab]", { hasText: "a.md" }).waitFor();
});

test("a workspace that was closed can be written to by another tab", async () => {
  const here = await id();
  const other = await browser.context.newPage();
  await openApp(other, server.url);
  await untilStatus(other, (s) => s.access === "Reader");
  await other.evaluate(() => alcove.open([{ path: "x.md", bytes: "x" }], { name: "elsewhere" }));
  // It was not the other tab that closed: this one went somewhere else.
  await other.waitForTimeout(300);
  assert.ok(!(await other.locator(".toast p").allTextContents()).some((text) => text.includes("The other tab was closed")));
  await command(page, "Close this workspace");
  await page.locator("main.start").waitFor();
  assert.equal(await page.evaluate(() => alcove.files().then(() => null, (err) => err.code)), "NotOpen");
  await other.evaluate((id) => alcove.openWorkspace(id), here);
  // The start screen does not wait for the engine, which may still be closing.
  await untilStatus(other, (s) => s.access === "Writer");
  await other.evaluate(() => alcove.write("a.md", "# From the other tab\n"));
  // And it comes back at once for who closed it.
  await command(other, "Close this workspace");
  await other.locator("main.start").waitFor();
  await page.evaluate((id) => alcove.openWorkspace(id), here);
  await untilStatus(page, (s) => s.access === "Writer");
  assert.equal(await page.evaluate(() => alcove.read("a.md")), "# From the other tab\n");
  await other.close();
});

test("the model is not loaded again for another workspace", async () => {
  await untilStatus(page, (s) => s.model.startsWith("ready"), 120_000);
  const before = models.length;
  await open("sixth", { "c.md": "# C\n\nSomething to embed.\n" });
  await untilStatus(page, (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total);
  assert.equal(models.length, before);
});

/** An export of `count` files, as a file on disk. */
function exported(name, count) {
  const manifest = { version: 1, name, mtimes_ms: [], settings: [] };
  const files = Array.from({ length: count }, (_, n) => [`files/${n}.txt`, `content ${n}\n`.repeat(1500)]);
  const path = join(onDisk("export", {}), `${name}.alcove.zip`);
  writeFileSync(path, zip([["alcove-workspace.json", JSON.stringify(manifest)], ...files]));
  return path;
}

/** Begin to import a workspace, and wait until it is under way. */
async function beginImport(path) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), command(page, "Import a workspace from a file")]);
  await chooser.setFiles(path);
  await page.getByText(/^Opening .*\.alcove\.zip/).waitFor();
  await page.waitForTimeout(300);
}

test("an import that the engine dies in begins again, and makes one workspace", async () => {
  const before = (await page.evaluate(() => alcove.workspaces())).length;
  await beginImport(exported("phoenix", 3000));
  await page.evaluate(() => alcove.debug.killEngine());
  await untilStatus(page, (s) => s.workspace?.name === "phoenix" && s.numFiles === 3000, 120_000);
  const kept = await page.evaluate(() => alcove.workspaces());
  assert.equal(kept.length, before + 1, JSON.stringify(kept.map((w) => w.name)));
  assert.equal(await page.evaluate(() => alcove.read("2999.txt")), "content 2999\n".repeat(1500));
});

test("an import that the person leaves in the middle leaves nothing behind", async () => {
  await beginImport(exported("halfway", 3000));
  await openApp(page, server.url);
  await eventually(page, async () => (await alcove.workspaces()).every((w) => !w.name.startsWith("halfway")), null, { timeout: 30_000 });
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
