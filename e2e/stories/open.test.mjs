// A person opens a project in every way that there is, and gets a clear sentence when it is not a good one.
import assert from "node:assert/strict";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { eventually, openApp, openBrowser, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { choose, drop, inEditor, onDisk, quickOpen, said, start } from "../lib/hands.mjs";
import { zip } from "../lib/zip.mjs";

const project = {
  "README.md": "# Teapot\n\nMakes tea.\n",
  "src/brew.py": "def brew(cups):\n    return cups * 2\n",
  "src/deep/er/leaf.rs": "pub fn steep() -> u32 { 3 }\n",
  ".gitignore": "build/\n*.log\n",
  "build/out.js": "generated\n",
  "noise.log": "noise\n",
  ".git/HEAD": "ref: refs/heads/main\n",
};
const kept = [".gitignore", "README.md", "src/brew.py", "src/deep/er/leaf.rs"];

let browser, page, server, folder;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  folder = onDisk("teapot", project);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  await openApp(page, server.url);
  await page.locator("main.start, .workbench").first().waitFor();
  await start(page);
});

const paths = (target = page) => target.evaluate(async () => (await alcove.files()).map((file) => file.path));

/** The parts of an import's sentence come in no order that matters. */
async function opened(target, name, wanted) {
  await untilStatus(target, (s) => s.workspace !== null);
  const sentence = await said(target, /(added|unchanged)/);
  assert.equal((await target.evaluate(() => alcove.status())).workspace?.name, name);
  if (wanted) assert.deepEqual(await paths(target), wanted);
  return sentence;
}

/** Put files into the browser's own file system and let the folder picker give that folder. */
async function stubPicker(target, name, files) {
  await target.evaluate(
    async ([name, files]) => {
      const root = await navigator.storage.getDirectory();
      const top = await (await root.getDirectoryHandle("disk-of-the-story", { create: true })).getDirectoryHandle(name, { create: true });
      for (const [path, text] of Object.entries(files)) {
        const parts = path.split("/");
        const last = parts.pop();
        let at = top;
        for (const part of parts) at = await at.getDirectoryHandle(part, { create: true });
        const writable = await (await at.getFileHandle(last, { create: true })).createWritable();
        await writable.write(text);
        await writable.close();
      }
      globalThis.showDirectoryPicker = async () => top;
    },
    [name, files],
  );
}

const onPickedDisk = (target, name, path) =>
  target.evaluate(
    async ([name, path]) => {
      let at = await (await navigator.storage.getDirectory()).getDirectoryHandle("disk-of-the-story");
      for (const part of [name, ...path.split("/").slice(0, -1)]) at = await at.getDirectoryHandle(part);
      return (await (await at.getFileHandle(path.split("/").pop())).getFile()).text();
    },
    [name, path],
  );

test("the folder picker gives a folder, and a save is written back to it", async () => {
  await stubPicker(page, "teapot", project);
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "teapot", kept);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# hotter");
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("src/brew.py")).includes("# hotter"));
  const wanted = `${project["src/brew.py"]}# hotter`;
  // While the file is being replaced the browser refuses to read it.
  const there = () => onPickedDisk(page, "teapot", "src/brew.py").catch((err) => String(err));
  for (const until = Date.now() + 5000; (await there()) !== wanted; ) assert.ok(Date.now() < until, `on disk: ${await there()}`);
  await picture(page, "open-picked");
});

/** Let the folder of the picker ask for permission to write, as a dropped one does; `answers` are what the person says. */
async function stubPermission(target, answers) {
  await target.evaluate((answers) => {
    globalThis.asked = [];
    // What looks up the permission waits here while `gate` is a promise.
    globalThis.queries = 0;
    globalThis.gate = null;
    let state = "prompt";
    FileSystemHandle.prototype.queryPermission = async () => {
      queries += 1;
      const held = gate;
      await held;
      return held ? (globalThis.late ?? state) : state;
    };
    FileSystemHandle.prototype.requestPermission = async () => {
      if (!navigator.userActivation.isActive) throw new DOMException("User activation is required.", "SecurityError");
      asked.push(document.activeElement?.closest(".monaco-editor") ? "editor" : document.activeElement?.tagName);
      // The person thinks until the story says that they have answered.
      await new Promise((resolve) => (globalThis.answer = resolve));
      state = answers[asked.length - 1];
      return state;
    };
  }, answers);
}

const asked = (target) => target.evaluate(() => globalThis.asked);

/** Type at the end of the open file and save. */
async function append(target, text) {
  await target.keyboard.press("Control+End");
  await target.keyboard.type(text);
  await target.keyboard.press("Control+s");
  await eventually(target, async (text) => (await alcove.read("src/brew.py")).endsWith(text), text);
}

test("permission to write is asked for once, nothing waits for it, and a no is told in a sentence with a way back", async () => {
  await stubPicker(page, "permitted", project);
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "permitted", kept);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await stubPermission(page, ["prompt", "granted"]);
  await append(page, "# one");
  await page.waitForFunction(() => asked.length === 1);
  // The browser is asking; the editor goes on and saves, and does not ask over that.
  await inEditor(page);
  await append(page, " two");
  await page.evaluate(() => answer());
  const toast = page.locator(".toast", { hasText: "src/brew.py is saved in Alcove, but not on disk: the browser has no permission to write to “permitted”." });
  await toast.waitFor({ timeout: 5000 });
  await picture(page, "open-no-permission");
  await inEditor(page);
  await append(page, " three");
  await page.locator(".toast", { hasText: "src/brew.py is saved in Alcove, not on disk." }).first().waitFor({ timeout: 5000 });
  assert.deepEqual(await asked(page), ["editor"]);
  assert.equal(await onPickedDisk(page, "permitted", "src/brew.py"), project["src/brew.py"]);
  // The button asks again, and then everything that was saved since gets there.
  await toast.getByRole("button", { name: "Write to disk" }).click();
  await page.waitForFunction(() => asked.length === 2);
  await page.evaluate(() => answer());
  await said(page, /1 file was written to “permitted” on disk/);
  assert.equal(await onPickedDisk(page, "permitted", "src/brew.py"), `${project["src/brew.py"]}# one two three`);
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("a file that is saved while the person says no does not make the browser ask again", async () => {
  await stubPicker(page, "answered", project);
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "answered", kept);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await stubPermission(page, ["prompt", "granted"]);
  await append(page, "# one");
  await page.waitForFunction(() => asked.length === 1);
  await page.evaluate(() => {
    queries = 0;
    globalThis.gate = new Promise((resolve) => (globalThis.openGate = resolve));
  });
  await inEditor(page);
  await append(page, " two");
  // The save has come as far as the permission, and the answer comes; then both go on, the save first.
  await page.waitForFunction(() => queries === 1);
  await page.evaluate(() => answer());
  await page.waitForFunction(() => queries === 2);
  await page.evaluate(() => openGate());
  await page.locator(".toast", { hasText: "src/brew.py is saved in Alcove, but not on disk" }).waitFor({ timeout: 5000 });
  assert.equal((await asked(page)).length, 1);
});

for (const late of ["prompt", "granted"]) {
  test(`what is found out about a folder after it was left (${late}) is nothing to the next one`, async () => {
    await picked(`left-${late}`, project);
    await quickOpen(page, "brew.py");
    await inEditor(page);
    await stubPermission(page, ["prompt", "granted"]);
    await page.evaluate((late) => {
      globalThis.late = late;
      globalThis.gate = new Promise((resolve) => (globalThis.openGate = resolve));
    }, late);
    await append(page, "# one");
    await page.waitForFunction(() => queries === 1);
    // The save waits for the permission of its folder, and it alone, while the person goes on to another one.
    await page.evaluate(() => (globalThis.gate = null));
    await start(page);
    await picked(`entered-${late}`, project);
    await page.evaluate(() => openGate());
    await quickOpen(page, "brew.py");
    await inEditor(page);
    await append(page, "# two");
    await page.waitForFunction(() => asked.length === 1, null, { timeout: 5000 });
    await page.evaluate(() => answer());
    await page.locator(".toast", { hasText: `the browser has no permission to write to “entered-${late}”` }).waitFor({ timeout: 5000 });
    const said = await page.locator(".toast p").allTextContents();
    assert.ok(!said.some((text) => /Another workspace was opened/.test(text)), JSON.stringify(said));
  });
}

test("a message about one folder's disk does nothing to the disk of the next one", async () => {
  await picked("first", project);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await stubPermission(page, ["prompt", "granted"]);
  await append(page, "# one");
  await page.waitForFunction(() => asked.length === 1);
  await page.evaluate(() => answer());
  const toast = page.locator(".toast", { hasText: "the browser has no permission to write to “first”" });
  await toast.waitFor({ timeout: 5000 });
  await start(page);
  await picked("second", project);
  await toast.getByRole("button", { name: "Write to disk" }).click();
  await said(page, /about a workspace that is not open any more/);
  assert.equal((await asked(page)).length, 1);
});

test("permission to write that is refused for good is told with where to change that", async () => {
  await stubPicker(page, "refused", project);
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "refused", kept);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await stubPermission(page, ["denied"]);
  await append(page, "# one");
  await page.waitForFunction(() => asked.length === 1);
  await page.evaluate(() => answer());
  await page.locator(".toast", { hasText: "Allow this page to edit files in the settings beside the address first." }).waitFor({ timeout: 5000 });
  await append(page, " two");
  assert.equal((await asked(page)).length, 1);
});

test("the same folder opens its kept workspace again, and takes in what changed on disk", async () => {
  await stubPicker(page, "teapot", { "src/brew.py": "def brew(cups):\n    return 'cold'\n" });
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "teapot", kept);
  const workspaces = await page.evaluate(() => alcove.workspaces());
  assert.equal(workspaces.filter((w) => w.name === "teapot").length, 1, JSON.stringify(workspaces));
  assert.match(await page.evaluate(() => alcove.read("src/brew.py")), /cold/);
  // The tab that was open is there again, and shows what is on disk now.
  await page.locator(".view-lines", { hasText: "cold" }).waitFor({ timeout: 5000 });
});

test("a folder whose workspace another tab deleted gets a new one", async () => {
  await stubPicker(page, "orphan", { "a.md": "# A\n" });
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "orphan", ["a.md"]);
  const id = await page.evaluate(async () => (await alcove.status()).workspace.id);
  await start(page);
  const other = await browser.context.newPage();
  await openApp(other, server.url);
  await other.evaluate((id) => alcove.deleteWorkspace(id), id);
  await other.close();
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "orphan", ["a.md"]);
  assert.notEqual(await page.evaluate(async () => (await alcove.status()).workspace.id), id);
});

test("a file that another program changed on disk is not overwritten without asking", async () => {
  await stubPicker(page, "teapot", project);
  await page.getByRole("button", { name: "Open folder" }).click();
  await opened(page, "teapot", kept);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await stubPicker(page, "teapot", { "src/brew.py": "somebody else was here\n" });
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# mine");
  await page.keyboard.press("Control+s");
  const conflict = page.getByRole("dialog", { name: /brew\.py changed on disk/ });
  await conflict.waitFor({ timeout: 5000 });
  await picture(page, "open-changed-on-disk");
  // Who then says no to the browser has not decided between the two versions.
  await stubPermission(page, ["prompt", "granted"]);
  await conflict.getByRole("button", { name: "Replace it on disk" }).click();
  await page.waitForFunction(() => asked.length === 1);
  await page.evaluate(() => answer());
  const toast = page.locator(".toast", { hasText: "src/brew.py is saved in Alcove, but not on disk" });
  await toast.getByRole("button", { name: "Write to disk" }).click();
  await page.waitForFunction(() => asked.length === 2);
  await page.evaluate(() => answer());
  await conflict.getByRole("button", { name: "Replace it on disk" }).waitFor();
  assert.equal(await onPickedDisk(page, "teapot", "src/brew.py"), "somebody else was here\n");
  await page.keyboard.press("Escape");
  assert.match(await page.evaluate(() => alcove.read("src/brew.py")), /# mine/);
});

/** Give the picked folder other files, and wait for nothing else. */
const picked = async (name, files, after = kept) => {
  await stubPicker(page, name, files);
  await page.getByRole("button", { name: "Open folder" }).click();
  return opened(page, name, after);
};

const diskIs = async (name, path, wanted) => {
  // While the file is being replaced the browser refuses to read it.
  const there = () => onPickedDisk(page, name, path).catch((err) => String(err));
  for (const until = Date.now() + 5000; (await there()) !== wanted; ) assert.ok(Date.now() < until, `on disk: ${await there()}`);
};

const notOnDisk = (text) => page.locator("footer.status button", { hasText: text });

test("what the disk lacks is known after a reload, outlives the folder being opened again, and is written when asked", async () => {
  await picked("lacking", project);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await stubPermission(page, ["prompt"]);
  await append(page, "# one");
  await page.waitForFunction(() => asked.length === 1);
  await page.evaluate(() => answer());
  await notOnDisk("1 file not on disk").waitFor({ timeout: 5000 });
  await openApp(page, server.url);
  await notOnDisk("1 file not on disk").waitFor({ timeout: 10_000 });
  await picture(page, "open-not-on-disk");
  await start(page);
  const sentence = await picked("lacking", { ...project, "README.md": "# Teapot\n\nMakes coffee.\n" });
  assert.equal(sentence, "1 file was changed, 1 is newer in Alcove and stays, 2 are unchanged.");
  assert.match(await page.evaluate(() => alcove.read("src/brew.py")), /# one$/);
  await notOnDisk("1 file not on disk").click();
  await said(page, /1 file was written to “lacking” on disk/);
  assert.equal(await onPickedDisk(page, "lacking", "src/brew.py"), `${project["src/brew.py"]}# one`);
  await notOnDisk("not on disk").waitFor({ state: "detached", timeout: 5000 });
});

test("a save while the one before is being written reaches the disk as well", async () => {
  await picked("twice", project);
  await quickOpen(page, "brew.py");
  await inEditor(page);
  // The disk takes its time over the first of them.
  await page.evaluate(() => {
    const create = FileSystemFileHandle.prototype.createWritable;
    globalThis.writing = 0;
    FileSystemFileHandle.prototype.createWritable = async function (...how) {
      globalThis.writing += 1;
      if (globalThis.writing === 1) await new Promise((resolve) => (globalThis.goOn = resolve));
      return create.apply(this, how);
    };
  });
  await append(page, "# one");
  await page.waitForFunction(() => globalThis.goOn !== undefined);
  await append(page, " two");
  await page.evaluate(() => goOn());
  await diskIs("twice", "src/brew.py", `${project["src/brew.py"]}# one two`);
  assert.equal(await page.getByRole("dialog").count(), 0);
  await notOnDisk("not on disk").waitFor({ state: "detached", timeout: 5000 });
});

test("several files that changed on disk are asked about once, and each gets its answer", async () => {
  const leaf = "src/deep/er/leaf.rs";
  await picked("several", project);
  await page.evaluate(async (leaf) => {
    await alcove.write("README.md", "mine\n");
    await alcove.write(leaf, "mine\n");
  }, leaf);
  await stubPicker(page, "several", { "README.md": "theirs\n", [leaf]: "theirs\n" });
  await quickOpen(page, "brew.py");
  await inEditor(page);
  await append(page, "# one");
  const question = page.getByRole("dialog", { name: "2 files changed on disk" });
  await question.waitFor({ timeout: 5000 });
  await picture(page, "open-conflicts");
  await diskIs("several", "src/brew.py", `${project["src/brew.py"]}# one`);
  for (const path of ["README.md", leaf]) assert.equal(await onPickedDisk(page, "several", path), "theirs\n");
  const row = (path) => question.getByRole("listitem").filter({ hasText: path });
  await row("README.md").getByRole("button", { name: "Compare" }).click();
  const compare = page.getByRole("dialog", { name: "Two versions of README.md" });
  await compare.locator(".line-insert, .char-insert").first().waitFor({ timeout: 20_000 });
  await page.keyboard.press("Escape");
  await question.waitFor();
  await row("README.md").getByRole("button", { name: "Take the other version" }).click();
  await row("README.md").waitFor({ state: "detached" });
  // Put off, and found again.
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await notOnDisk("1 conflict").click();
  const rest = page.getByRole("dialog", { name: `${leaf} changed on disk` });
  await rest.getByRole("button", { name: "Replace it on disk" }).click();
  await rest.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => alcove.read("README.md")), "theirs\n");
  await diskIs("several", leaf, "mine\n");
  await notOnDisk("not on disk").waitFor({ state: "detached", timeout: 5000 });
});

test("a dropped file does not replace what was saved, until it is chosen", async () => {
  const other = onDisk("other", { "README.md": "# Another\n" });
  await drop(page, [join(folder, "README.md")]);
  await opened(page, "README.md", ["README.md"]);
  await page.evaluate(() => alcove.write("README.md", "mine\n"));
  await drop(page, [join(other, "README.md")]);
  const toast = page.locator(".toast", { hasText: "README.md changed both in Alcove and where it comes from." });
  await toast.waitFor({ timeout: 5000 });
  assert.equal(await page.evaluate(() => alcove.read("README.md")), "mine\n");
  await toast.getByRole("button", { name: "Compare and choose…" }).click();
  await page.getByRole("button", { name: "Take the other version" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => alcove.read("README.md")), "# Another\n");
});

test("files that went from the folder are removed when that is asked for, and only those that nobody edited", async () => {
  await picked("shrinking", { ...project, "old/one.py": "1\n", "old/two.py": "2\n" }, null);
  await page.evaluate(() => alcove.write("old/two.py", "mine\n"));
  await page.evaluate(async () => {
    const top = await (await navigator.storage.getDirectory()).getDirectoryHandle("disk-of-the-story");
    await (await top.getDirectoryHandle("shrinking")).removeEntry("old", { recursive: true });
  });
  await start(page);
  const sentence = await picked("shrinking", {}, [...kept, "old/one.py", "old/two.py"].sort());
  assert.equal(sentence, "4 files are unchanged.");
  const toast = page.locator(".toast", { hasText: "old/one.py is in Alcove and not in the folder on disk any more." });
  await toast.getByRole("button", { name: "Remove from Alcove…" }).click();
  const question = page.getByRole("dialog", { name: "Remove 1 file from Alcove?" });
  await question.waitFor();
  await picture(page, "open-missing");
  await question.getByRole("button", { name: "Remove" }).click();
  await eventually(page, async () => !(await alcove.files()).some((file) => file.path === "old/one.py"));
  assert.deepEqual(await paths(), [...kept, "old/two.py"].sort());
});

test("changing one's mind in the picker is no error; a picker that fails is a sentence or another way", async () => {
  await page.evaluate(() => {
    globalThis.showDirectoryPicker = async () => Promise.reject(new DOMException("gone", "AbortError"));
  });
  await page.getByRole("button", { name: "Open folder" }).click();
  const messages = await page.locator(".toast p").allTextContents();
  assert.ok(!messages.some((message) => /picker|folder/.test(message)), JSON.stringify(messages));
  // What a frame of another origin gets.
  await page.evaluate(() => {
    globalThis.showDirectoryPicker = async () => Promise.reject(new DOMException("Cross origin sub frames aren't allowed to show a file picker.", "SecurityError"));
  });
  await choose(page, "Open folder", folder);
  await opened(page, "teapot", kept);
});

test("a browser without the picker is offered a folder input, and says what it cannot do", async () => {
  const other = await browser.context.newPage();
  await other.addInitScript(() => delete globalThis.showDirectoryPicker);
  await other.addInitScript(() => delete Window.prototype.showDirectoryPicker);
  await openApp(other, server.url);
  assert.equal(await other.evaluate(() => typeof showDirectoryPicker), "undefined");
  await other.getByText("cannot write back to a folder").waitFor();
  await picture(other, "open-without-picker");
  await choose(other, "Open folder", folder);
  await opened(other, "teapot", kept);
  await other.close();
});

test("a folder can be dropped", async () => {
  await drop(page, [folder]);
  await opened(page, "teapot", kept);
  await picture(page, "open-dropped");
});

test("a dropped folder whose links lead in a circle is taken in all the same", async () => {
  const looped = onDisk("looped", { "a/b.txt": "found\n" });
  symlinkSync("..", join(looped, "a", "again"));
  await drop(page, [looped]);
  await opened(page, "looped");
  assert.ok((await paths()).includes("a/b.txt"));
});

test("files can be dropped, and join the open workspace", async () => {
  await drop(page, [join(folder, "README.md")]);
  await opened(page, "README.md", ["README.md"]);
  await drop(page, [join(folder, "src", "brew.py")]);
  await said(page, /added/);
  assert.deepEqual(await paths(), ["README.md", "brew.py"]);
});

test("where a browser gives entries and no handles, a dropped folder is read all the same", async () => {
  await page.evaluate(() => delete DataTransferItem.prototype.getAsFileSystemHandle);
  await drop(page, [folder]);
  await opened(page, "teapot", kept);
});

test("something that is no file is refused in a sentence", async () => {
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData("text/plain", "just words");
    // The page only looks at drags with files; this one says that it has some and has none.
    Object.defineProperty(data, "types", { value: ["Files"] });
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await said(page, /no files in what you dropped/);
});

test("files can be chosen, several at once", async () => {
  await choose(page, "Open files", [join(folder, "README.md"), join(folder, "src", "brew.py")]);
  await opened(page, "README.md", ["README.md", "brew.py"]);
});

test("a zip archive can be chosen, and dropped", async () => {
  const archive = join(dirname(folder), "teapot.zip");
  writeFileSync(archive, zip(Object.entries(project)));
  await choose(page, "Open zip", archive);
  await opened(page, "teapot", kept);
  await start(page);
  await drop(page, [archive]);
  await opened(page, "teapot", kept);
});

test("the sample opens", async () => {
  await page.getByRole("button", { name: "Open sample" }).click();
  await opened(page, "Sample");
  const status = await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
  assert.ok(status.numFiles > 20, JSON.stringify(status.numFiles));
  await picture(page, "open-sample");
});

test("an archive that climbs out, an archive bomb and names that no system takes harm nobody", async () => {
  const archive = join(dirname(folder), "hostile.zip");
  const bomb = Buffer.alloc(64 * 1024 * 1024);
  writeFileSync(
    archive,
    zip([
      ["good.txt", "fine\n"],
      ["../../escaped.txt", "out\n"],
      ["/etc/absolute.txt", "out\n"],
      ["a/../../b.txt", "out\n"],
      ["bomb.txt", bomb],
    ]),
  );
  await choose(page, "Open zip", archive);
  const sentence = await opened(page, "hostile");
  assert.match(sentence, /1 left out \(larger than the size limit[^)]*bomb\.txt\)/);
  assert.match(sentence, /a path that cannot be used here/);
  const there = await paths();
  assert.ok(there.includes("good.txt"));
  assert.ok(there.every((path) => !path.includes("..") && !path.startsWith("/")), JSON.stringify(there));
  assert.ok(!there.includes("bomb.txt"));
});

test("a broken archive, and one that is none, are told in a sentence", async () => {
  const broken = join(dirname(folder), "broken.zip");
  const whole = zip(Object.entries(project));
  const before = await page.evaluate(() => alcove.workspaces());
  for (const bytes of [Buffer.from("this is no archive"), whole.subarray(0, whole.length / 2), Buffer.alloc(0)]) {
    writeFileSync(broken, bytes);
    await choose(page, "Open zip", broken);
    await said(page, /not a readable zip archive/);
    await picture(page, "open-broken-zip");
    // Nothing came in, so the workspace that was made for it goes again, and the person is back where they were.
    await page.locator("main.start").waitFor();
    assert.deepEqual((await page.evaluate(() => alcove.workspaces())).map((w) => w.id), before.map((w) => w.id));
  }
  // One damaged entry costs that entry.
  const damaged = Buffer.from(whole);
  damaged[whole.indexOf("README.md") + "README.md".length + 4] ^= 0xff;
  writeFileSync(broken, damaged);
  await choose(page, "Open zip", broken);
  const sentence = await opened(page, "broken");
  assert.match(sentence, /1 left out \(not readable, for example README\.md\)/);
});

test("strange files are shown for what they are and never written back changed", async () => {
  const latin1 = Buffer.from("a caf\xe9 au lait in the old encoding of the west\n", "latin1");
  const strangeFiles = {
    "empty.txt": "",
    "one.txt": "x",
    "latin1.txt": latin1,
    "binary.bin": Buffer.from([0, 1, 2, 3, 0, 255, 254, 0]),
    "with-nul.txt": "before\0after\n",
    "bom.txt": "\ufeffmarked\r\nmixed\nends\r\n",
    "rtl.txt": "\u202eevil\u202c \u200bzero\u200b раураl 👩‍👩‍👧‍👦\n",
    "long.js": `var x = "${"a".repeat(1_000_000)}";\n`,
    "deep.json": `${"[".repeat(10_000)}${"]".repeat(10_000)}\n`,
    "big.txt": Buffer.alloc(3 * 1024 * 1024, "word "),
    "Case.txt": "upper\n",
    "case.txt": "lower\n",
  };
  const strange = onDisk("strange", strangeFiles);
  // As entries: a handle makes the first save ask for permission to write, in a bubble of the browser's own.
  await page.evaluate(() => delete DataTransferItem.prototype.getAsFileSystemHandle);
  await drop(page, [strange]);
  const sentence = await opened(page, "strange");
  assert.match(sentence, /1 left out \(larger than the size limit in the settings, for example big\.txt\)/);
  assert.match(sentence, /Case\.txt and case\.txt differ by upper and lower case alone/);
  assert.deepEqual((await paths()).sort(), Object.keys(strangeFiles).filter((path) => path !== "big.txt").sort());
  await untilStatus(page, (s) => s.layers.symbols.total > 0 && s.layers.symbols.done === s.layers.symbols.total);
  const content = Object.fromEntries((await page.evaluate(() => alcove.files())).map((file) => [file.path, file.content]));
  assert.equal(content["latin1.txt"], "lossyText");
  assert.equal(content["binary.bin"], "binary");

  await quickOpen(page, "binary.bin");
  await page.getByText("This file is not text").waitFor();
  await quickOpen(page, "empty.txt");
  await inEditor(page);
  await quickOpen(page, "latin1.txt");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("typed");
  await page.keyboard.press("Control+s");
  await picture(page, "open-latin1");
  const bytes = await page.evaluate(async () => [...(await alcove.readBytes("latin1.txt"))]);
  assert.deepEqual(bytes, [...latin1]);
  assert.equal((await page.evaluate(() => alcove.search("lait", { k: 3, mode: "word" })))[0]?.path, "latin1.txt");
  await quickOpen(page, "bom.txt");
  await inEditor(page);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("new ");
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("bom.txt")).includes("new "));
  const marked = await page.evaluate(async () => [...(await alcove.readBytes("bom.txt"))]);
  assert.equal(Buffer.from(marked).toString(), "\ufeffnew marked\r\nmixed\nends\r\n");
  await quickOpen(page, "rtl.txt");
  await inEditor(page);
  await picture(page, "open-rtl");
  assert.equal(readFileSync(join(strange, "bom.txt"), "utf8"), "\ufeffmarked\r\nmixed\nends\r\n");
});

test("the size limit can be changed in the settings", async () => {
  const folder = onDisk("sized", { "big.txt": Buffer.alloc(3 * 1024 * 1024, "word "), "small.txt": "s\n" });
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Leave out files larger than, kilobytes").fill("4096");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Escape");
  await drop(page, [folder]);
  await opened(page, "sized", ["big.txt", "small.txt"]);
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
