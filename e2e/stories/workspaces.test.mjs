// Several workspaces are kept, renamed, exported, imported and deleted through the interface; settings outlive a
// reload; every theme and every screen passes axe.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { choose, command, drop, inEditor, onDisk, quickOpen, said, start } from "../lib/hands.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser({ context: { bypassCSP: false } });
  page = await browser.page();
  // As entries: a handle makes the first save ask for permission to write, in a bubble of the browser's own.
  await page.addInitScript(() => delete DataTransferItem.prototype.getAsFileSystemHandle);
  await openApp(page, server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Serious and critical findings of axe, as text. */
async function findings() {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations
    .filter((violation) => ["serious", "critical"].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}
const names = () => page.evaluate(async () => (await alcove.workspaces()).map((w) => w.name).sort());
const settings = async (use) => {
  await page.keyboard.press("Control+,");
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.waitFor();
  await use(dialog);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
};

test("several workspaces are kept side by side, and each is opened by its name", async () => {
  await drop(page, [onDisk("apples", { "a.md": "# Apples\n\nRed.\n" })]);
  await said(page, /1 file was added/);
  // What one project's side bar was left as says nothing about the next: that begins with its files.
  await page.keyboard.press("Control+b");
  await page.getByRole("treeitem", { name: "a.md" }).waitFor({ state: "detached" });
  await start(page);
  await drop(page, [onDisk("pears", { "p.md": "# Pears\n\nGreen.\n", "q.py": "def pear():\n    return 1\n" })]);
  await said(page, /2 files were added/);
  await page.getByRole("treeitem", { name: "p.md" }).waitFor({ timeout: 5000 });
  assert.deepEqual(await names(), ["apples", "pears"]);
  await start(page);
  await page.getByRole("listitem").filter({ hasText: "apples" }).getByRole("button").first().click();
  await untilStatus(page, (s) => s.workspace?.name === "apples" && s.numFiles === 1);
  await picture(page, "workspaces-opened");
});

test("a workspace can be renamed", async () => {
  await command(page, "Rename this workspace");
  const dialog = page.getByRole("dialog", { name: "Rename workspace" });
  await dialog.waitFor();
  await dialog.getByLabel("Name").fill("Äpfel und Birnen");
  await page.keyboard.press("Enter");
  await eventually(page, async () => (await alcove.workspaces()).some((w) => w.name === "Äpfel und Birnen"));
  await page.locator("header, .title-bar, .top").getByText("Äpfel und Birnen").first().waitFor();
  assert.deepEqual(await names(), ["pears", "Äpfel und Birnen"]);
});

test("a workspace leaves as one file and comes back from it", async () => {
  await quickOpen(page, "a.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("Saved line.");
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("a.md")).includes("Saved line."));
  const [download] = await Promise.all([page.waitForEvent("download"), command(page, "Export this workspace to a file")]);
  const file = join(tmpdir(), download.suggestedFilename());
  await download.saveAs(file);
  await said(page, /is in your downloads/);
  await start(page);
  // Nobody who takes a copy of a workspace from the list wants to be in it.
  const [copy] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export pears" }).click()]);
  assert.equal(copy.suggestedFilename(), "pears.alcove.zip");
  await said(page, /is in your downloads/);
  await page.getByRole("heading", { name: "Kept on this device" }).waitFor({ timeout: 5000 });
  await choose(page, "Import a workspace from a file", file);
  await untilStatus(page, (s) => s.workspace !== null && s.numFiles === 1);
  assert.equal(await page.evaluate(() => alcove.read("a.md")), "# Apples\n\nRed.\nSaved line.");
  assert.equal((await names()).length, 3);
  assert.equal((await page.evaluate(() => alcove.search("red apples", { k: 1 })))[0]?.path, "a.md");
});

test("a file that is no exported workspace is refused in a sentence, and nothing is lost", async () => {
  await start(page);
  const folder = onDisk("other", { "not.zip": "no archive" });
  await choose(page, "Import a workspace from a file", join(folder, "not.zip"));
  await said(page, /not a readable zip archive/);
  assert.equal((await names()).length, 3);
});

test("a workspace is deleted after a question only", async () => {
  await openApp(page, server.url);
  await page.locator("main.start, .workbench").first().waitFor();
  await start(page);
  const row = page.getByRole("listitem").filter({ hasText: "pears" });
  await row.getByRole("button", { name: "Delete pears" }).click();
  const question = page.getByRole("dialog", { name: "Delete “pears”?" });
  await question.waitFor();
  await picture(page, "workspaces-delete");
  assert.deepEqual(await findings(), []);
  await page.keyboard.press("Escape");
  assert.ok((await names()).includes("pears"));
  await row.getByRole("button", { name: "Delete pears" }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await row.waitFor({ state: "detached" });
  assert.ok(!(await names()).includes("pears"));
});

test("settings outlive a reload", async () => {
  await settings(async (dialog) => {
    await dialog.getByLabel("Theme").selectOption({ label: "Dark" });
    await dialog.getByLabel("Text size in the editor, pixels").fill("19");
    await page.keyboard.press("Tab");
    await dialog.getByLabel("Minimap").check();
  });
  await openApp(page, server.url);
  await page.locator("main.start").waitFor();
  await settings(async (dialog) => {
    assert.equal(await dialog.getByLabel("Theme").inputValue(), "Dark");
    assert.equal(await dialog.getByLabel("Text size in the editor, pixels").inputValue(), "19");
    assert.ok(await dialog.getByLabel("Minimap").isChecked());
  });
});

for (const theme of ["Light", "Dark", "High contrast"]) {
  test(`the theme ${theme} passes axe in the workbench, the palette, the settings and the results`, async () => {
    if (!(await page.locator(".workbench").isVisible())) {
      await openFiles(page, { "a.md": "# Apples\n\nRed.\n", "b.py": "def apple():\n    return 'red'\n" });
      await untilStatus(page, (s) => s.layers.symbols.total === 2 && s.layers.symbols.done === 2);
      await quickOpen(page, "b.py");
    }
    await settings(async (dialog) => {
      await dialog.getByLabel("Theme").selectOption({ label: theme });
      await picture(page, `theme-${theme.replace(" ", "-").toLowerCase()}-settings`);
      assert.deepEqual(await findings(), [], "settings");
    });
    await page.keyboard.press("F1");
    await page.locator(".palette-row").first().waitFor();
    assert.deepEqual(await findings(), [], "palette");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Shift+f");
    await page.getByRole("combobox", { name: "Search the workspace" }).fill("apple");
    await page.locator("#hit-0").waitFor();
    await picture(page, `theme-${theme.replace(" ", "-").toLowerCase()}`);
    assert.deepEqual(await findings(), [], "results");
    await page.getByRole("combobox", { name: "Search the workspace" }).fill("");
    await page.keyboard.press("Control+Shift+e");
  });
}

test("a window that becomes narrow shows the panel over the editor, and nothing of the editor over the panel", async () => {
  await quickOpen(page, "a.md");
  await page.keyboard.press("Control+Shift+f");
  await page.setViewportSize({ width: 360, height: 640 });
  await page.locator(".side-bar").waitFor();
  // The scroll bars of the editor show while the pointer moves over it.
  await page.mouse.move(180, 400);
  const through = await page.evaluate(() => {
    const { left, right, top, bottom } = document.querySelector(".side-bar").getBoundingClientRect();
    const seen = new Set();
    for (let x = left + 2; x < right; x += 8) {
      for (let y = top + 2; y < bottom; y += 8) {
        const element = document.elementFromPoint(x, y);
        if (!element?.closest(".side-bar")) seen.add(element?.className);
      }
    }
    return [...seen];
  });
  assert.deepEqual(through, []);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("on a screen of 320 pixels a file is read in a plain view, and nothing is wider than the screen", async () => {
  await page.setViewportSize({ width: 320, height: 640 });
  await openApp(page, server.url);
  await page.locator(".workbench").waitFor();
  await quickOpen(page, "a.md");
  await page.getByText("Reading view for small screens.").waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll(".editor textarea")].some((text) => text.value.includes("Red.")));
  await picture(page, "narrow-reading");
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
  assert.deepEqual(await findings(), []);
});

test("the page broke no policy and logged no error", () => {
  assert.deepEqual(browser.trouble, []);
});
