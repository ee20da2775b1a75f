// What the hands of a person do in the stories: choosing files, dropping them, reading what Alcove says.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Files on the real disk, in a new folder with this name. Gives the folder. */
export function onDisk(name, files) {
  const folder = join(mkdtempSync(join(tmpdir(), "alcove-disk-")), name);
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    const full = join(folder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }
  return folder;
}

/** Press a button and give what it asks for. @param {string | string[]} paths files, or one folder */
export async function choose(page, button, paths) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: button, exact: true }).click()]);
  await chooser.setFiles(paths);
}

/** Drop files and folders of the real disk on the middle of the page, as the system does. */
export async function drop(page, paths) {
  const cdp = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize();
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await cdp.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data });
  }
  await cdp.detach();
}

/** Wait for a message that matches, give its text and take it away. */
export async function said(page, pattern, timeout = 30_000) {
  const toast = page.locator(".toast").filter({ hasText: pattern }).first();
  await toast.waitFor({ timeout }).catch(async () => {
    const messages = await page.locator(".toast p").allTextContents();
    throw new Error(`nothing like ${pattern} was said within ${timeout} ms, but: ${JSON.stringify(messages)}`);
  });
  const text = await toast.locator("p").textContent();
  await toast.getByRole("button", { name: "Dismiss this message" }).click();
  return text;
}

/** Run a command of the palette by its title, with the keyboard. */
export async function command(page, title) {
  await page.keyboard.press("F1");
  const field = page.getByRole("combobox", { name: "Go to file, symbol or command" });
  await field.waitFor();
  await page.keyboard.insertText(title);
  await page.locator(".palette-row.current", { hasText: title }).waitFor();
  await page.keyboard.press("Enter");
}

/** Go to the start screen. */
export async function start(page) {
  if (await page.locator("main.start").isVisible()) return;
  await command(page, "Close this workspace");
  await page.locator("main.start").waitFor();
}

/** Open a file by its name, with the keyboard, and wait for the editor to have it. */
export async function quickOpen(page, name) {
  await page.keyboard.press("Control+p");
  await page.getByRole("combobox", { name: "Go to file, symbol or command" }).waitFor();
  await page.keyboard.insertText(name);
  await page.locator(".palette-row.current", { hasText: name.split("/").pop() }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".tab-bar [role=tab][aria-selected=true]", { hasText: name.split("/").pop() }).waitFor();
}

/** Wait until the keyboard is in the text of Monaco. */
export async function inEditor(page) {
  await page.waitForFunction(() => document.activeElement?.closest(".monaco-editor") !== null, null, { timeout: 30_000 });
}
