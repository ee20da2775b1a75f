// A person edits with the keyboard alone: opens, types, saves, finds, jumps, compares, and loses nothing on the way.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { command, inEditor, quickOpen } from "../lib/hands.mjs";
import { crates } from "../lib/project.mjs";

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  await openApp(page, server.url);
  const long = Array.from({ length: 400 }, (_, n) => `def step_${n}():\n    return ${n}\n`).join("\n");
  await openFiles(page, { ...crates("text", "stdx"), "kitchen/stove.py": long, "kitchen/notes.md": "# Notes\n\nNothing yet.\n" });
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const cursor = (line) => page.locator(".status-item", { hasText: new RegExp(`^Ln ${line}, Col`) }).waitFor({ timeout: 10_000 });
const tab = (name) => page.locator("[role=tab]", { hasText: name });
const dirty = (name) => page.locator("[role=tab]", { hasText: name }).getByText("unsaved changes");
const focused = (selector) => page.waitForFunction((selector) => document.activeElement?.matches(selector), selector, { timeout: 5000 });
const shown = (text) => page.locator(".view-lines", { hasText: text }).first().waitFor({ timeout: 10_000 });

test("a file is opened, typed into, and shows that it is not saved; Ctrl+S saves it", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("def simmer_gently(pot):\nreturn pot");
  await dirty("stove.py").waitFor({ state: "attached" });
  await picture(page, "edit-dirty");
  assert.ok(!(await page.evaluate(() => alcove.read("kitchen/stove.py"))).includes("simmer_gently"));
  await page.keyboard.press("Control+s");
  await dirty("stove.py").waitFor({ state: "detached" });
  // Whether the editor indents depends on whether it knows Python yet. The whole file would be a long message.
  const end = await page.evaluate(async () => (await alcove.read("kitchen/stove.py")).slice(-60));
  assert.match(end, /def simmer_gently\(pot\):\n\s*return pot$/);
});

test("the new text is found at once, and Enter jumps to its line", async () => {
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("combobox", { name: "Search the workspace" }).waitFor();
  await page.keyboard.type("simmer_gently");
  await page.locator("#hit-0", { hasText: "simmer_gently" }).waitFor();
  await picture(page, "edit-found");
  await page.keyboard.press("Enter");
  await inEditor(page);
  await tab("stove.py").and(page.locator("[aria-selected=true]")).waitFor();
  await cursor(1200);
});

test("the arrow keys choose among results", async () => {
  await page.keyboard.press("Control+Shift+f");
  const field = page.getByRole("combobox", { name: "Search the workspace" });
  await field.waitFor();
  await field.fill("");
  await page.keyboard.type("line_index");
  await page.locator("#search-results[aria-busy=false]").waitFor();
  await page.locator("#hit-3").waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.locator("#hit-1[aria-selected=true]").waitFor();
  assert.equal(await field.getAttribute("aria-activedescendant"), "hit-1");
  await page.keyboard.press("Enter");
  await inEditor(page);
  const active = await page.locator(".tab-bar [role=tab][aria-selected=true]").getAttribute("title");
  assert.match(active, /^(text|stdx)\//);
});

test("Enter right behind the typing opens what was typed, not what was found before", async () => {
  await page.keyboard.press("Control+Shift+f");
  const field = page.getByRole("combobox", { name: "Search the workspace" });
  await field.fill("line_index");
  await page.locator("#hit-0", { hasText: /line_?index/i }).waitFor();
  await page.locator("#search-results[aria-busy=false]").waitFor();
  // Nothing can be answered between two events of one task: the list is that of the query before.
  await field.evaluate((field) => {
    field.value = "step_321";
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  });
  await inEditor(page);
  await tab("stove.py").and(page.locator("[aria-selected=true]")).waitFor({ timeout: 5000 });
  await cursor(3 * 321 + 1);
});

test("the way back from a hit leads to the question, and not to the word that was marked", async () => {
  await page.keyboard.press("Control+Shift+f");
  const field = page.getByRole("combobox", { name: "Search the workspace" });
  await field.fill("which step returns step_99");
  await page.locator("#search-results[aria-busy=false] #hit-0").waitFor();
  // One that is found by its words: what is found by meaning alone marks nothing.
  await page.locator(".hit", { hasText: "step_99" }).first().dblclick();
  await inEditor(page);
  await page.locator(".status-item", { hasText: /selected/ }).waitFor();
  await page.keyboard.press("Control+Shift+f");
  await focused("input[type=search]");
  assert.equal(await field.inputValue(), "which step returns step_99");
  // What a hit marks need not stand in the question.
  await field.fill("line index");
  await page.locator("#search-results[aria-busy=false] #hit-0").waitFor();
  await page.locator(".hit", { hasText: "LineIndex" }).first().dblclick();
  await inEditor(page);
  await page.locator(".status-item", { hasText: /selected/ }).waitFor();
  await page.keyboard.press("Control+Shift+f");
  await focused("input[type=search]");
  assert.equal(await field.inputValue(), "line index");
  // A word that one selects oneself is asked for, also where it stands in the question.
  await page.locator(".view-line span span", { hasText: /^(pub|use|fn|impl)$/ }).first().dblclick();
  const word = await page.evaluate(() => getSelection().toString().trim());
  await page.keyboard.press("Control+Shift+f");
  await focused("input[type=search]");
  assert.match(await field.inputValue(), /^(pub|use|fn|impl)$/, word);
});

test("go to line, and a line behind a file name", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await page.keyboard.press("Control+g");
  await page.getByRole("combobox", { name: "Go to file, symbol or command" }).waitFor();
  await page.keyboard.type("601");
  await page.keyboard.press("Enter");
  await cursor(601);
  await shown("step_200");
  await page.keyboard.press("Control+p");
  await page.getByRole("combobox", { name: "Go to file, symbol or command" }).waitFor();
  await page.keyboard.type("stove.py:10");
  await page.keyboard.press("Enter");
  await cursor(10);
});

test("@ finds a symbol in the workspace", async () => {
  await page.keyboard.press("Control+p");
  await page.getByRole("combobox", { name: "Go to file, symbol or command" }).waitFor();
  await page.keyboard.type("@step_321");
  await page.locator(".palette-row.current", { hasText: "step_321" }).waitFor();
  await picture(page, "edit-symbol");
  await page.keyboard.press("Enter");
  await inEditor(page);
  await cursor(3 * 321 + 1);
});

test("the panels are reached by keyboard, and left for the editor by the same keys", async () => {
  await page.keyboard.press("Control+Shift+o");
  await page.getByText("step_0", { exact: true }).first().waitFor();
  await focused("input[aria-label='Filter the outline']");
  await picture(page, "edit-outline");
  await page.keyboard.type("step_77");
  await page.keyboard.press("Enter");
  await inEditor(page);
  await cursor(3 * 77 + 1);
  await page.keyboard.press("Control+Shift+e");
  await focused("[role=tree]");
  await page.keyboard.press("Control+Shift+e");
  await inEditor(page);
  assert.equal(await page.locator("[role=tree]").count(), 1);
});

test("the outline knows what is typed before it is saved", async () => {
  const typed = page.locator(".outline").getByText("typed_just_now", { exact: true });
  await page.keyboard.press("Control+Shift+o");
  await focused("input[aria-label='Filter the outline']");
  await page.locator(".outline").getByText("step_0", { exact: true }).waitFor();
  assert.equal(await typed.count(), 0);
  await page.keyboard.press("Control+Shift+o");
  await inEditor(page);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("def typed_just_now():\nreturn 1\n\n");
  await typed.waitFor();
  await dirty("stove.py").waitFor({ state: "attached" });
  for (let step = 0; step < 60 && (await dirty("stove.py").count()) > 0; step++) await page.keyboard.press("Control+z");
  await dirty("stove.py").waitFor({ state: "detached" });
  await typed.waitFor({ state: "detached" });
  await page.locator(".outline").getByText("step_0", { exact: true }).waitFor();
  await page.keyboard.press("Control+Shift+e");
  await focused("[role=tree]");
  await page.keyboard.press("Control+Shift+e");
  await inEditor(page);
});

test("a new file has the keyboard as soon as it is there", async () => {
  await command(page, "New file");
  await focused("dialog input");
  await page.keyboard.type("kitchen/new.md");
  await page.keyboard.press("Enter");
  await tab("new.md").waitFor();
  await inEditor(page);
  await page.keyboard.type("written at once");
  await shown("written at once");
  await page.keyboard.press("Control+s");
  await dirty("new.md").waitFor({ state: "detached" });
});

test("the changes can be compared and dropped", async () => {
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("Changed ");
  await dirty("notes.md").waitFor({ state: "attached" });
  await page.keyboard.press("Alt+d");
  const compare = page.getByRole("dialog", { name: "Changes to notes.md" });
  await compare.locator(".line-insert, .char-insert").first().waitFor({ timeout: 20_000 });
  assert.deepEqual(await compare.locator(".editor-notice").evaluateAll((all) => all.map((notice) => notice.offsetHeight)), [0]);
  await picture(page, "edit-compare");
  await page.keyboard.press("Escape");
  await compare.waitFor({ state: "detached" });
  await command(page, "Drop unsaved changes");
  const question = page.getByRole("dialog", { name: /Drop your changes to notes\.md/ });
  await question.waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await question.waitFor({ state: "detached" });
  await dirty("notes.md").waitFor({ state: "detached" });
  await shown("Nothing yet.");
  assert.equal(await page.locator(".view-lines", { hasText: "Changed" }).count(), 0);
});

test("Ctrl+S saves from the comparison, and other chords of the page do not reach the browser", async () => {
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("Compared.");
  await page.keyboard.press("Alt+d");
  const compare = page.getByRole("dialog", { name: "Changes to notes.md" });
  await compare.locator(".line-insert, .char-insert").first().waitFor({ timeout: 20_000 });
  await page.keyboard.press("Control+s");
  await compare.waitFor({ state: "detached" });
  await dirty("notes.md").waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => alcove.read("kitchen/notes.md")), /Compared\.$/);
  await page.evaluate(() => alcove.write("kitchen/notes.md", "# Notes\n\nNothing yet.\n"));
  await shown("Nothing yet.");
});

test("words are offered also when the first of them is asked for after a comparison was closed", async () => {
  // A page in which no list was shown yet: Monaco makes what shows hints for all of them once, as the editor made last says.
  await openApp(page, server.url);
  await page.locator(".view-lines").waitFor();
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("7 ");
  await page.keyboard.press("Alt+d");
  const compare = page.getByRole("dialog", { name: "Changes to notes.md" });
  await compare.locator(".line-insert, .char-insert").first().waitFor({ timeout: 20_000 });
  await page.keyboard.press("Escape");
  await compare.waitFor({ state: "detached" });
  await inEditor(page);
  await page.keyboard.type("Noth");
  await page.keyboard.press("Control+Space");
  await page.locator(".suggest-widget.visible .monaco-list-row", { hasText: "Nothing" }).waitFor({ timeout: 10_000 });
  await page.keyboard.press("Escape");
  for (let step = 0; step < 30 && (await dirty("notes.md").count()) > 0; step++) await page.keyboard.press("Control+z");
  await dirty("notes.md").waitFor({ state: "detached" });
});

test("a file whose name ends like a line is opened by its name", async () => {
  await page.evaluate(() => alcove.write("kitchen/odd:12", "an odd name\n"));
  await quickOpen(page, "odd");
  await shown("an odd name");
  await page.keyboard.press("Alt+w");
});

test("a file is saved whatever became of its line endings", async () => {
  await page.evaluate(() => alcove.write("kitchen/windows.txt", "one\r\ntwo"));
  await quickOpen(page, "windows.txt");
  await inEditor(page);
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("End");
  await page.keyboard.press("Delete");
  await dirty("windows.txt").waitFor({ state: "attached" });
  await page.keyboard.press("Control+s");
  await dirty("windows.txt").waitFor({ state: "detached", timeout: 5000 });
  assert.equal(await page.evaluate(() => alcove.read("kitchen/windows.txt")), "onetwo");
  await page.keyboard.press("Alt+w");
});

test("a file is shown beside another, and an edit on one side shows on the other", async () => {
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+\\");
  await page.waitForFunction(() => document.querySelectorAll("section.group").length === 2);
  await page.waitForFunction(() => document.activeElement?.closest("section.group")?.getAttribute("aria-label") === "Editor 2");
  await page.keyboard.press("Control+End");
  await page.keyboard.type("Both sides.");
  for (const side of ["Editor 1", "Editor 2"]) {
    await page.getByRole("region", { name: side }).locator(".view-lines", { hasText: "Both sides." }).waitFor();
  }
  await picture(page, "edit-split");
  await page.keyboard.press("Alt+o");
  await page.waitForFunction(() => document.activeElement?.closest("section.group")?.getAttribute("aria-label") === "Editor 1");
  await page.keyboard.press("Alt+o");
  await page.waitForFunction(() => document.activeElement?.closest("section.group")?.getAttribute("aria-label") === "Editor 2");
  // The same file stays open in the other group, so closing this tab asks nothing.
  await page.keyboard.press("Alt+w");
  await page.waitForFunction(() => document.querySelectorAll("section.group").length === 1);
  await dirty("notes.md").waitFor({ state: "attached" });
});

test("closing a tab with unsaved text asks first, and keeps the text when one changes one's mind", async () => {
  await page.keyboard.press("Alt+w");
  const question = page.getByRole("dialog", { name: /Save your changes to notes\.md/ });
  await question.waitFor();
  await picture(page, "edit-close");
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await dirty("notes.md").waitFor({ state: "attached" });
  await shown("Both sides.");
});

test("unsaved text is there again after a reload, and can be saved then", async () => {
  await eventually(page, async () => (await alcove.files()).some((file) => file.path === "kitchen/notes.md" && file.hasDraft));
  await openApp(page, server.url);
  await shown("Both sides.");
  await dirty("notes.md").waitFor({ state: "attached" });
  assert.ok(!(await page.evaluate(() => alcove.read("kitchen/notes.md"))).includes("Both sides."));
  await picture(page, "edit-reloaded");
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+s");
  await dirty("notes.md").waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => alcove.read("kitchen/notes.md")), /Both sides\./);
});

test("unsaved text that was typed a moment before the reload is not lost", async () => {
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\nLast words.");
  await shown("Last words.");
  await page.reload();
  await page.waitForFunction(() => globalThis.alcove !== undefined);
  await shown("Last words.");
  await dirty("notes.md").waitFor({ state: "attached" });
});

test("a tab that was not looked at since the reload shows that its text is not saved", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await eventually(page, async () => (await alcove.files()).some((file) => file.path === "kitchen/notes.md" && file.hasDraft));
  // What the page does when it is left; the engine then answers in the order in which it was asked.
  await page.evaluate(() => (dispatchEvent(new Event("blur")), alcove.status()));
  await openApp(page, server.url);
  await tab("stove.py").and(page.locator("[aria-selected=true]")).waitFor();
  await dirty("notes.md").waitFor({ state: "attached" });
  await quickOpen(page, "notes.md");
  await shown("Last words.");
  await dirty("notes.md").waitFor({ state: "attached" });
});

test("what a tab keeps that was not looked at since the reload outlives a script, is asked about, and is saved with the rest", async () => {
  await quickOpen(page, "stove.py");
  await openApp(page, server.url);
  await dirty("notes.md").waitFor({ state: "attached" });
  const saved = await page.evaluate(() => alcove.read("kitchen/notes.md"));
  assert.ok(!saved.includes("Last words."));
  // A script saves another text beside it.
  await page.evaluate((text) => alcove.write("kitchen/notes.md", text), `${saved}By a script.\n`);
  await openApp(page, server.url);
  await dirty("notes.md").waitFor({ state: "attached" });
  await tab("notes.md").locator("..").locator(".tab-close").click();
  const question = page.getByRole("dialog", { name: /Save your changes to notes\.md/ });
  await question.waitFor();
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "detached" });
  await command(page, "Close other tabs");
  assert.equal(await tab("notes.md").count(), 1);
  await command(page, "Save all files");
  await dirty("notes.md").waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => alcove.read("kitchen/notes.md")), /Last words\./);
  await quickOpen(page, "notes.md");
  await shown("Last words.");
});

test("a file can be saved again before the first save is answered", async () => {
  await quickOpen(page, "notes.md");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\nOnce.");
  // Keeps the engine busy while both saves wait.
  const busy = page.evaluate(() => alcove.write("kitchen/stock.txt", "simmer and stir the broth\n".repeat(200_000)));
  await page.keyboard.press("Control+s");
  await page.keyboard.type(" Twice.");
  await page.keyboard.press("Control+s");
  await busy;
  await eventually(page, async () => (await alcove.read("kitchen/notes.md")).endsWith("Once. Twice."));
  await dirty("notes.md").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("find and replace in a file works from the keyboard", async () => {
  await quickOpen(page, "stove.py");
  await inEditor(page);
  await page.keyboard.press("Control+f");
  await page.locator(".find-widget.visible").waitFor();
  await page.keyboard.type("step_399");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await cursor(3 * 399 + 1);
});

test("after a reload long lines begin at their margin again", async () => {
  const long = `    return ${"pot + ".repeat(60)}pot\n`.repeat(60);
  await page.evaluate((long) => alcove.write("kitchen/long.py", long), long);
  await quickOpen(page, "long.py");
  await inEditor(page);
  await page.keyboard.press("Control+g");
  await page.keyboard.type("50");
  await page.keyboard.press("Enter");
  await inEditor(page);
  for (let n = 0; n < 11; n++) await page.keyboard.press("ArrowRight");
  await page.locator(".status-item", { hasText: "Ln 50, Col 12" }).waitFor();
  // What the page does when it is left; the engine then answers in the order in which it was asked.
  await page.evaluate(() => (dispatchEvent(new Event("blur")), alcove.status()));
  await openApp(page, server.url);
  await page.locator(".status-item", { hasText: "Ln 50, Col 12" }).waitFor();
  await page.locator(".view-line", { hasText: "return pot" }).first().waitFor();
  const left = () => page.locator(".lines-content").first().evaluate((lines) => lines.style.left);
  assert.equal(await left(), "0px");
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
