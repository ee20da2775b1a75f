// The browser allows little: Alcove stops at four fifths of it, says so with a choice, and loses nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, flags, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { drop, inEditor, onDisk, quickOpen, said } from "../lib/hands.mjs";

let browser, page, server, cdp;
before(async () => {
  server = await serve();
  // Newer Chromium tells pages of ten gigabytes more than they use, whatever there is; here it shall tell the truth.
  browser = await openBrowser({ context: { args: [...flags, "--disable-features=StaticStorageQuota"] } });
  page = await browser.page();
  cdp = await browser.context.newCDPSession(page);
  await openApp(page, server.url);
  await page.evaluate(() => alcove.open([{ path: "spare.md", bytes: "# Spare\n" }], { name: "spare" }));
  await openFiles(page, { "kept/one.md": "# One\n\nSaved before the storage was full.\n", "kept/two.md": "# Two\n" });
  // What is used settles once the model is kept as well.
  await untilStatus(page, (s) => s.layers.vectors.total > 0 && s.layers.vectors.done === s.layers.vectors.total, 120_000);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Let the browser allow so many bytes to this site; without a number as many as it likes. */
async function allow(bytes) {
  await cdp.send("Storage.overrideQuotaForOrigin", { origin: new URL(server.url).origin, ...(bytes ? { quotaSize: bytes } : {}) });
}
const used = () => page.evaluate(async () => (await navigator.storage.estimate()).usage);
const notice = () => page.locator(".toast", { hasText: /Alcove uses .* that this browser allows/ });

test("at four fifths of what is allowed a message says so and offers what can be done", async () => {
  assert.equal(await notice().count(), 0);
  await allow(Math.ceil((await used()) * 1.15));
  await notice().waitFor({ timeout: 20_000 });
  await picture(page, "quota-notice");
  assert.match(await notice().locator("p").textContent(), /your files are safe/);
  assert.deepEqual(await notice().locator(".toast-offers button").allTextContents(), ["Choose workspaces", "Pause embedding"]);
  await untilStatus(page, (s) => s.quota && s.quota[0] / s.quota[1] > 0.8);
});

test("taking in more stops with a sentence that says what to do", async () => {
  const folder = onDisk("too-much", { "a.txt": "word ".repeat(10_000), "b.txt": "word ".repeat(10_000) });
  const before = await page.evaluate(() => alcove.workspaces());
  await drop(page, [folder]);
  const sentence = await said(page, /nearly full/);
  assert.match(sentence, /Delete a workspace you no longer need/);
  await picture(page, "quota-import");
  // What was kept is still kept, and no empty workspace stands beside it.
  const kept = await page.evaluate(() => alcove.workspaces());
  assert.deepEqual(kept.map((w) => w.id).sort(), before.map((w) => w.id).sort());
  for (const { id, numFiles } of before) assert.equal(kept.find((w) => w.id === id)?.numFiles, numFiles);
  await page.evaluate((id) => alcove.openWorkspace(id), before.find((w) => w.name !== "spare").id);
  assert.match(await page.evaluate(() => alcove.read("kept/one.md")), /Saved before/);
});

test("an edit that cannot be saved stays, unsaved, and outlives a reload", async () => {
  await quickOpen(page, "two.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("Written when nothing fitted.");
  await page.keyboard.press("Control+s");
  await said(page, /nearly full/);
  await page.locator("[role=tab]", { hasText: "two.md" }).getByText("unsaved changes").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => alcove.read("kept/two.md")), "# Two\n");
  await eventually(page, async () => (await alcove.files()).some((file) => file.path === "kept/two.md" && file.hasDraft));
  await openApp(page, server.url);
  await page.locator(".view-lines", { hasText: "Written when nothing fitted." }).waitFor();
});

test("the choice leads to the workspaces, where one can be deleted", async () => {
  await notice().waitFor({ timeout: 20_000 });
  await notice().getByRole("button", { name: "Choose workspaces" }).click();
  const dialog = page.getByRole("dialog", { name: "Workspaces" });
  await dialog.waitFor();
  await picture(page, "quota-workspaces");
  const row = dialog.getByRole("listitem").filter({ hasText: "spare" });
  await row.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog", { name: /Delete “spare”/ }).getByRole("button", { name: "Delete" }).click();
  await eventually(page, async () => !(await alcove.workspaces()).some((w) => w.name === "spare"));
});

test("once there is room again, everything can be saved", async () => {
  await allow();
  await untilStatus(page, (s) => s.quota && s.quota[0] / s.quota[1] < 0.8, 20_000);
  await quickOpen(page, "two.md");
  await inEditor(page);
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("kept/two.md")).includes("Written when nothing fitted."));
  assert.match(await page.evaluate(() => alcove.read("kept/one.md")), /Saved before/);
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
