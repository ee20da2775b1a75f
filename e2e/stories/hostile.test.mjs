// What a person or their project can do wrong, on purpose or not: names, sizes, encodings, questions, impatience and
// clocks. Each gets a sentence, the page stays usable, and nothing is lost. What an import of files does is in
// open.test.mjs, what a network does that goes away in network.test.mjs.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { eventually, openApp, openBrowser, openFiles, picture, serve, untilStatus } from "../lib/alcove.mjs";
import { command, drop, inEditor, onDisk, quickOpen, said, start } from "../lib/hands.mjs";
import { isSentence } from "../lib/sentence.mjs";
import { zip } from "../lib/zip.mjs";

let browser, page, server;
before(async () => {
  server = await serve();
  browser = await openBrowser();
  page = await browser.page();
  page.on("dialog", (dialog) => {
    browser.trouble.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  await openApp(page, server.url);
  await page.locator("main.start, .workbench").first().waitFor();
});

const paths = () => page.evaluate(async () => (await alcove.files()).map((file) => file.path));
const names = () => page.evaluate(async () => (await alcove.workspaces()).map((w) => w.name));
/** What a call of the automation surface is refused with. */
const refused = (body, argument) =>
  page.evaluate(
    async ([body, argument]) => {
      try {
        return { done: await new Function("argument", `return ${body}`)(argument) };
      } catch (err) {
        return { code: err.code, message: err.message };
      }
    },
    [body, argument],
  );
const indexed = (num, timeout) =>
  untilStatus(page, (s) => s.layers.symbols.total >= num && s.layers.symbols.done === s.layers.symbols.total, timeout);
const search = (query, options) => page.evaluate(([query, options]) => alcove.search(query, options), [query, options]);
async function searchPanel(text, mode = "Smart") {
  await page.keyboard.press("Control+Shift+f");
  await page.getByRole("radio", { name: mode }).click();
  await page.getByRole("combobox", { name: "Search the workspace" }).fill(text);
}
/** Measure for how long the page does nothing but work, from now until the function that comes back is called. */
async function watchFreezes() {
  await page.evaluate(() => {
    globalThis.longest = 0;
    let last = performance.now();
    globalThis.beat = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last - 20);
      last = now;
    }, 20);
  });
  return () =>
    page.evaluate(() => {
      clearInterval(beat);
      return Math.round(longest);
    });
}

test("names that are strange are kept as they are, and names that are dangerous are left out with a reason", async () => {
  const strange = [
    "CON", "nul.txt", "aux/lpt1.rs", "trailing.", "trailing ", " leading", "...", "-rf", "~", "%2e%2e", "ab:c", "q?*<>|\"'.txt",
    "\u202egnp.exe", "zero\u200bwidth", "рaypal.txt", "👩‍👩‍👧‍👦.md", "é-nfc".normalize("NFC"), "é-nfc".normalize("NFD"),
    "README", "readme", "__proto__", "constructor", `${"x".repeat(251)}.txt`, `${"d/".repeat(60)}deep`,
  ];
  const dangerous = [
    "", "/", "/etc/passwd", "C:/boot.ini", "a:b", "../up", "a/../../b", "./here", "a//b", "folder/", "nul\0byte", "new\nline",
    "bell\u0007", "back\\slash", "y".repeat(256), `${"z".repeat(200)}/`.repeat(6) + "long", `${"e/".repeat(64)}too-deep`,
  ];
  const imported = await page.evaluate(
    ([strange, dangerous]) => alcove.open([...strange, ...dangerous].map((path) => ({ path, bytes: `named ${path}` })), { honourIgnore: false }),
    [strange, dangerous],
  );
  assert.deepEqual((await paths()).sort(), [...strange].sort());
  assert.equal(imported.numAdded, strange.length);
  const left = imported.skipped.find((part) => part.reason === "BadPath");
  assert.equal(left?.count, dangerous.length, JSON.stringify(imported.skipped));
  assert.deepEqual(imported.caseCollisions, [["README", "readme"]]);
  for (const path of strange) assert.equal(await page.evaluate((path) => alcove.read(path), path), `named ${path}`);
  await indexed(strange.length);
  // The tree and a tab show each as a name, not as an instruction.
  await quickOpen(page, "gnp.exe");
  await inEditor(page);
  await picture(page, "hostile-names");
  assert.equal(await page.locator("[role=treeitem]").filter({ hasText: "\u202egnp.exe" }).count(), 1);
});

test("a name that is refused when a file is made is told with the reason", async () => {
  await openFiles(page, { "a.txt": "one\n", "folder/b.txt": "two\n" });
  const before = await paths();
  for (const [path, code, why] of [
    ["../up", "Invalid", /must not contain/],
    ["/abs", "Invalid", /must be relative/],
    ["x".repeat(300), "Invalid", /too long/],
    ["nul\0", "Invalid", /character that is not allowed/],
    ["", "Invalid", /empty part/],
    ["d/".repeat(70) + "x", "Invalid", /too deep/],
    ["a.txt/below", "Exists", /already a file called a\.txt/],
    ["folder", "Exists", /already a folder called folder/],
  ]) {
    const outcome = await refused("alcove.write(argument, 'x')", path);
    assert.equal(outcome.code, code, `${path}: ${JSON.stringify(outcome)}`);
    assert.match(outcome.message, why);
    isSentence(outcome.message);
  }
  for (const path of ["../up", "a.txt", "folder//x", "q".repeat(300)]) {
    await command(page, "New file");
    await page.getByLabel("Path, with folders separated by /").fill(path);
    await page.keyboard.press("Enter");
    isSentence(await said(page, /.+/));
  }
  assert.deepEqual(await paths(), before);
  assert.equal(await page.evaluate(() => alcove.read("a.txt")), "one\n");
});

test("nothing in names and texts becomes part of the page", async () => {
  const bait = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=2</script><b class="injected">';
  const name = '<img src=x onerror="globalThis.pwned=3"><b class="injected">.md';
  const hostile = {
    [name.replace("/", "")]: `# ${bait}\n\nneedle ${bait}\n`,
    '"><svg onload=globalThis.pwned=4>.rs': `/// ${bait}\nfn needle() {}\n`,
    "javascript:globalThis.pwned=5": "needle [link](javascript:globalThis.pwned=6) ![](http://127.0.0.1:9/x.png)\n",
    "ansi.txt": "needle \u001b]0;title\u0007\u001b[31mred\u001b[0m \u202eltr\u202c\n",
  };
  await openFiles(page, hostile);
  await indexed(4);
  const injected = () => page.evaluate(() => [globalThis.pwned, document.querySelectorAll(".injected, img[src=x], svg[onload]").length]);
  await searchPanel("needle");
  await page.locator("#hit-0").waitFor();
  await picture(page, "hostile-injection");
  assert.deepEqual(await injected(), [null, 0].map((value) => value ?? undefined));
  await searchPanel(bait, "Exact");
  await page.locator("#hit-0").waitFor();
  assert.deepEqual(await injected(), [undefined, 0]);
  await searchPanel(bait.replace("<img", "(<img"), "Regex");
  await page.locator(".search-summary.error").waitFor();
  for (const path of Object.keys(hostile)) {
    await page.evaluate((path) => alcove.show(path, 1), path);
    await page.locator(".view-lines", { hasText: "needle" }).waitFor();
    await command(page, "Show outline");
    assert.deepEqual(await injected(), [undefined, 0], path);
  }
  // In a sentence, in a question, in the title and among the kept workspaces.
  await drop(page, [onDisk('<b class="injected">folder', { "big.bin": Buffer.alloc(3 << 20, "w"), "a.txt": "x" })]);
  await said(page, /1 file was added/);
  await start(page);
  await page.getByRole("listitem").filter({ hasText: '<b class="injected">folder' }).getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog").waitFor();
  assert.deepEqual(await injected(), [undefined, 0]);
  await page.keyboard.press("Escape");
});

test("questions of every kind get an answer or a sentence, and none takes long", async () => {
  await openFiles(page, { "a.py": `def needle():\n    return "${"a".repeat(5000)}"\n`, "b.md": "# Heading\n\nçà et là\n" });
  await indexed(2);
  const million = "needle ".repeat(150_000);
  const answered = [
    ["", {}], [" \t\n", {}], ["\0", {}], ["a\0b", { mode: "exact" }], ["\ud800", {}], ["\udc00\ud800", { mode: "exact" }],
    [million, {}], ["\u202e\u200b", {}], ["👩‍👩‍👧‍👦", {}], ["needle", { k: 10_000 }], ["(a+)+$", { mode: "regex" }], ["(a|a)*b", { mode: "regex" }],
    ["(.*)*(.*)*(.*)*x", { mode: "regex" }], ["needle", { filter: { path: "{a,b}*.{py,md}" } }], ["needle", { filter: { changedSince: -1 } }],
    ["needle", { filter: { changedSince: 1e300 } }], ["needle", { filter: { changedSince: Date.now() + 1e12 } }],
    ["needle", { k: null, mode: "word", caseSensitive: true }], ["^$", { mode: "regex" }], ["\r\n", { mode: "exact" }],
  ];
  for (const [query, options] of answered) {
    const began = Date.now();
    const hits = await search(query, options).catch((err) => assert.fail(`${JSON.stringify(query.slice(0, 40))}: ${err.message}`));
    assert.ok(Array.isArray(hits));
    assert.ok(Date.now() - began < 5000, `${JSON.stringify(query.slice(0, 40))} took ${Date.now() - began} ms`);
  }
  for (const [query, options, why] of [
    [million, { mode: "exact" }, /too large/], [million, { mode: "regex" }, /too large/], ["(", { mode: "regex" }, /unclosed group/],
    ["[", { mode: "regex" }, /character class/], ["a{99999}{99999}", { mode: "regex" }, /too large|repetition/], ["\\", { mode: "regex" }, /cannot be read/],
    ["(?<=a)b", { mode: "regex" }, /look/], ["(a)\\1", { mode: "regex" }, /backreference/], ["(".repeat(4000), { mode: "regex" }, /cannot be read|nest/],
    ["x", { filter: { path: "[" } }, /pattern/], ["x", { filter: { path: `{${"a,".repeat(500_000)}b}` } }, /longer than/], ["x", { k: 0 }, /between 1 and/],
    ["x", { k: -1 }, /not right/], ["x", { k: 1.5 }, /not right/], ["x", { k: 2 ** 53 + 1 }, /not right/], ["x", { colour: 1 }, /unknown field/],
    ["x", { mode: "magic" }, /unknown variant/], ["x", "options", /not right/], [7, {}, /must be a string/],
  ]) {
    const outcome = await refused("alcove.search(argument[0], argument[1])", [query, options]);
    assert.equal(outcome.code, "Invalid", `${JSON.stringify(query).slice(0, 40)} ${JSON.stringify(options).slice(0, 60)}: ${JSON.stringify(outcome).slice(0, 200)}`);
    assert.match(outcome.message, why);
    assert.ok(outcome.message.length < 600, `a message of ${outcome.message.length} characters`);
    isSentence(outcome.message);
  }
  // The same through the panel: the sentence stands where results would, and the next question is answered.
  await searchPanel("(a+", "Regex");
  isSentence(await page.locator(".search-summary.error").innerText());
  await searchPanel(million, "Exact");
  await page.locator(".search-summary.error", { hasText: "too large" }).waitFor();
  await picture(page, "hostile-query");
  await searchPanel("needle");
  await page.locator("#hit-0").waitFor();
  await page.keyboard.press("Control+p");
  await page.getByRole("combobox", { name: "Go to file, symbol or command" }).fill(million);
  await page.keyboard.press("Escape");
});

test("calls of scripts with nonsense are refused in a sentence", async () => {
  await openFiles(page, { "a.txt": "kept\n" });
  let deep = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  for (const [body, argument] of [
    ["alcove.open()"], ["alcove.open('text')"], ["alcove.open([{}])"], ["alcove.open([{path: 'x'}])"], ["alcove.open([{path: 1, bytes: ''}])"],
    ["alcove.open([], {maxFileBytes: -1})"], ["alcove.openWorkspace(1e309)"], ["alcove.openWorkspace(-0)"], ["alcove.search('x', {k: -0})"], ["alcove.open([], {name: {}})"],
    ["alcove.open(new Uint8Array(4))"], ["alcove.open(new Uint8Array(0))"], ["alcove.read()"], ["alcove.read('')"], ["alcove.read('nowhere')"],
    ["alcove.write('b.txt', 7)"], ["alcove.openWorkspace(-1)"], ["alcove.openWorkspace(2 ** 60)"], ["alcove.openWorkspace(12)"],
    ["alcove.deleteWorkspace('all')"], ["alcove.outline('nowhere')"], ["alcove.search('x', {filter: {kinds: ['Nothing']}})"],
    ["(() => { let deep = 1; for (let i = 0; i < 10000; i++) deep = [deep]; return alcove.search('x', {layers: deep}); })()"],
    ["(() => { const circle = {}; circle.k = circle; return alcove.search('x', circle); })()"],
  ]) {
    const outcome = await refused(body, argument);
    assert.ok(outcome.code, `${body}: ${JSON.stringify(outcome)}`);
    isSentence(outcome.message);
  }
  assert.equal((await page.evaluate(() => alcove.status())).engine, "ready");
});

test("half a character in a name or a text becomes a mark of replacement", async () => {
  const outcome = await page.evaluate(async () => {
    await alcove.open([{ path: "half\ud83d.txt", bytes: "text \ud83d needle" }, { path: "whole.txt", bytes: "whole" }]);
    await alcove.write("whole.txt", "low \udc00 needle");
    const files = (await alcove.files()).map((file) => file.path);
    return { files, texts: await Promise.all(files.map((path) => alcove.read(path))), hits: await alcove.search("needle", { k: 5 }) };
  });
  assert.deepEqual(outcome.files, ["half\ufffd.txt", "whole.txt"]);
  assert.deepEqual(outcome.texts, ["text \ufffd needle", "low \ufffd needle"]);
  assert.equal(outcome.hits.length, 2);
});

test("a file as long as the limit is taken in, one byte more is left out with the reason", async () => {
  const imported = await page.evaluate(() =>
    alcove.open([{ path: "at.txt", bytes: new Uint8Array(1000).fill(97) }, { path: "over.txt", bytes: new Uint8Array(1001).fill(97) }], { maxFileBytes: 1000 }),
  );
  assert.deepEqual(await paths(), ["at.txt"]);
  assert.equal(imported.skipped.find((part) => part.reason === "TooLarge")?.count, 1, JSON.stringify(imported.skipped));
  // JSON has no such number: it counts as left out, and the limit of the settings holds.
  await page.evaluate(() => alcove.open([{ path: "any.txt", bytes: "any" }], { maxFileBytes: 1e309 }));
  assert.deepEqual(await paths(), ["any.txt"]);
});

test("short files in old encodings and UTF-16 are shown, found and never changed", async () => {
  const utf16 = (text, big) => {
    const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
    return big ? bytes.swap16() : bytes;
  };
  const files = {
    "latin1.txt": Buffer.from("caf\xe9", "latin1"),
    "dense.txt": Buffer.from("\xe9\xe8\xe0 \xfc\xf6\xe4 tasse", "latin1"),
    "little.txt": utf16("Zeile der Tasse\r\nÜber Grüße\r\n", false),
    "big.txt": utf16("Zeile der Tasse\n", true),
    "late-nul.log": Buffer.concat([Buffer.alloc(9000, "log of tasse\n"), Buffer.from("\0end\n")]),
    "icon.bin": Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]),
    "empty": Buffer.alloc(0),
  };
  await openFiles(page, files);
  await indexed(6);
  const content = Object.fromEntries((await page.evaluate(() => alcove.files())).map((file) => [file.path, file.content]));
  assert.deepEqual(content, {
    "latin1.txt": "lossyText", "dense.txt": "lossyText", "little.txt": "lossyText", "big.txt": "lossyText",
    "late-nul.log": "text", "icon.bin": "binary", empty: "text",
  });
  const found = (await search("tasse", { mode: "word", k: 1000 })).map((hit) => hit.path);
  assert.deepEqual([...new Set(found)].sort(), ["big.txt", "dense.txt", "late-nul.log", "little.txt"]);
  assert.equal((await search("Grüße", { mode: "exact" }))[0]?.startLine, 2);
  for (const path of ["latin1.txt", "dense.txt", "little.txt", "big.txt"]) {
    await quickOpen(page, path);
    await inEditor(page);
    await page.keyboard.type("typed");
    await page.keyboard.press("Control+s");
    const bytes = await page.evaluate(async (path) => [...(await alcove.readBytes(path))], path);
    assert.deepEqual(bytes, [...files[path]], path);
    const outcome = await refused("alcove.write(argument, 'new text')", path);
    assert.equal(outcome.code, "ReadOnly");
    isSentence(outcome.message);
  }
  await quickOpen(page, "little.txt");
  await page.locator(".view-lines", { hasText: "Über" }).waitFor();
  await picture(page, "hostile-utf16");
});

test("a request that arrives twice is done once", async () => {
  // Frames without buffers beside them, such as the making and the renaming of a workspace; buffers can be given away once.
  const twice = await browser.context.newPage();
  await twice.addInitScript(() => {
    // How often each call was answered: frames begin with their kind, and the id follows, seven bits to a byte.
    const [DONE, FAULT] = [4, 5];
    globalThis.numAnswers = new Map();
    globalThis.Worker = class extends Worker {
      constructor(...given) {
        super(...given);
        this.addEventListener("message", ({ data }) => {
          const frame = Array.isArray(data) ? data[0] : undefined;
          if (!(frame instanceof Uint8Array) || (frame[0] !== DONE && frame[0] !== FAULT)) return;
          const call = `${given[0]} ${frame.slice(1, 2 + frame.slice(1).findIndex((byte) => byte < 128))}`;
          numAnswers.set(call, (numAnswers.get(call) ?? 0) + 1);
        });
      }
    };
    const post = Worker.prototype.postMessage;
    globalThis.numTwice = 0;
    Worker.prototype.postMessage = function (message, transfer) {
      const again = Array.isArray(message) && message.length === 1 && message[0] instanceof Uint8Array ? structuredClone(message) : undefined;
      post.call(this, message, transfer);
      if (again) numTwice += 1, post.call(this, again);
    };
  });
  await openApp(twice, server.url);
  const num = await twice.evaluate(async () => {
    const before = (await alcove.workspaces()).length;
    await alcove.open([{ path: "once.txt", bytes: "told twice" }]);
    return (await alcove.workspaces()).length - before;
  });
  assert.equal(num, 1);
  assert.equal((await twice.evaluate(() => alcove.search("told", { k: 5 }))).length, 1);
  assert.ok((await twice.evaluate(() => numTwice)) > 10);
  const answers = await twice.evaluate(() => [...numAnswers]);
  assert.ok(answers.length > 5, JSON.stringify(answers));
  assert.deepEqual(answers.filter(([, num]) => num !== 1), []);
  await twice.close();
});

test("what was pressed twice is done once", async () => {
  await start(page);
  for (const { id } of await page.evaluate(() => alcove.workspaces())) await page.evaluate((id) => alcove.deleteWorkspace(id), id);
  await openApp(page, server.url);
  await page.getByRole("button", { name: "Open sample" }).dblclick();
  await untilStatus(page, (s) => s.workspace?.name === "Sample" && s.layers.symbols.total > 20);
  await said(page, /files were added/);
  assert.deepEqual(await names(), ["Sample"]);
  const total = (await page.evaluate(() => alcove.status())).numFiles;
  await start(page);
  // Both calls of one turn, as a script or a bouncing mouse makes them.
  await page.getByRole("button", { name: "Open sample" }).evaluate((button) => {
    button.click();
    button.click();
  });
  await untilStatus(page, (s) => s.workspace?.name === "Sample" && s.numFiles === total);
  await said(page, /files were added/);
  assert.deepEqual(await names(), ["Sample", "Sample"]);
  await start(page);
  const row = page.getByRole("listitem").filter({ hasText: "Sample" }).first();
  // The second press lands beside the question and takes it back: nothing is deleted without an answer.
  await row.getByRole("button", { name: "Delete Sample" }).dblclick();
  assert.equal((await names()).length, 2);
  if ((await page.getByRole("dialog").count()) === 0) await row.getByRole("button", { name: "Delete Sample" }).click();
  const yes = page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true });
  await yes.waitFor();
  await yes.evaluate((button) => {
    button.click();
    button.click();
  });
  await eventually(page, async () => (await alcove.workspaces()).length === 1);
  await openFiles(page, { "a.txt": "one\n" });
  await quickOpen(page, "a.txt");
  await inEditor(page);
  await page.keyboard.type("two ");
  for (let i = 0; i < 5; i++) await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("a.txt")) === "two one\n");
  assert.deepEqual(await page.locator(".toast-failure p").allTextContents(), []);
});

test("an empty folder, an empty archive and a folder of nothing but ignored files are told for what they are", async () => {
  await start(page);
  await drop(page, [onDisk("hollow", {})]);
  const sentence = await said(page, /added/);
  assert.match(sentence, /^No file was added/);
  isSentence(sentence);
  await start(page);
  await drop(page, [onDisk("ignored", { ".ignore": "*\n", "a.log": "x", "b/c.log": "y" })]);
  assert.match(await said(page, /added/), /ignore/);
  const outcome = await refused("alcove.open(new Uint8Array(argument), {name: 'empty archive'})", [...zip([])]);
  assert.equal(outcome.done?.numAdded, 0, JSON.stringify(outcome));
});

test("a clock that jumps changes nothing", async () => {
  await openFiles(page, { "a.txt": "first\n" });
  const shift = (offset) => {
    globalThis.realNow ??= Date.now;
    Date.now = () => realNow() + offset;
  };
  for (const offset of [-40 * 365 * 86_400_000, 10 * 365 * 86_400_000, -86_400_000]) {
    // The page's and the workers', which write times down.
    const all = [page, ...page.workers()];
    assert.ok(all.length >= 2, `${all.length} clocks`);
    await Promise.all(all.map((one) => one.evaluate(shift, offset)));
    await page.evaluate((text) => alcove.write("a.txt", text), `at ${offset}\n`);
    assert.equal(await page.evaluate(() => alcove.read("a.txt")), `at ${offset}\n`);
    assert.equal((await search("at", { mode: "word" }))[0]?.path, "a.txt");
    await page.evaluate(() => alcove.open([{ path: "later.txt", bytes: "x", modified: Date.now() }, { path: "odd.txt", bytes: "y", modified: -1e18 }, { path: "far.txt", bytes: "z", modified: 1e300 }], { name: "jumped" }));
    assert.equal((await paths()).length, 3);
    await start(page);
    const rows = await page.getByRole("listitem").allInnerTexts();
    assert.ok(rows.every((row) => /just now|ago/.test(row) && !/NaN|-\d/.test(row)), JSON.stringify(rows));
    const first = (await page.evaluate(() => alcove.workspaces())).find((w) => w.name === "Opened by a script");
    await page.evaluate((id) => alcove.openWorkspace(id), first.id);
  }
  const kept = await page.evaluate(() => alcove.workspaces());
  assert.equal(new Set(kept.map((w) => w.id)).size, kept.length);
});

test("a text of 10 MB and a line of 10 MB are taken in, found, shown and saved", async () => {
  const stopWatching = await watchFreezes();
  const began = Date.now();
  await page.evaluate(() => {
    const lines = Array.from({ length: 200_000 }, (_, i) => `line ${i} of a very long log with words in it and a number\n`).join("");
    const line = `var x = "${"a very long line of words ".repeat(420_000)}needle_at_the_end";\n`;
    return alcove.open([{ path: "long.log", bytes: lines }, { path: "wide.js", bytes: line }, { path: "small.py", bytes: "def small_needle():\n    pass\n" }], { maxFileBytes: 100 << 20 });
  });
  await indexed(3, 120_000);
  console.log(`# 2 files of 11 MB: lexical and symbols after ${Date.now() - began} ms`);
  assert.equal((await search("line 199999", { mode: "exact" }))[0]?.startLine, 200_000);
  assert.equal((await search("needle_at_the_end", { mode: "word" }))[0]?.path, "wide.js");
  assert.ok((await search("small_needle")).some((hit) => hit.path === "small.py"));
  await searchPanel("needle_at_the_end", "Exact");
  await page.locator("#hit-0").waitFor();
  await page.keyboard.press("Enter");
  await inEditor(page);
  await picture(page, "hostile-wide");
  await quickOpen(page, "long.log");
  await inEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("the last word");
  await page.keyboard.press("Control+s");
  await eventually(page, async () => (await alcove.read("long.log")).endsWith("the last word"), null, { timeout: 30_000 });
  const longest = await stopWatching();
  console.log(`# the page was busy for at most ${longest} ms`);
  assert.ok(longest < 3000, `the page stood still for ${longest} ms`);
  assert.equal((await page.evaluate(() => alcove.status())).engine, "ready");
  // While the editor is on its way the beginning of the text stands in for it: a text area lays out all that it is given.
  let arrive;
  const arrived = new Promise((resolve) => (arrive = resolve));
  await browser.context.route(/assets\/monaco-.*\.js/, (route) => arrived.then(() => route.continue()));
  try {
    await openApp(page, server.url);
    await eventually(page, async () => (document.querySelector("textarea[aria-label='long.log']")?.value ?? "") !== "");
    const standIn = page.getByRole("textbox", { name: "long.log" });
    assert.equal((await standIn.inputValue()).split("\n").length, 5000);
    assert.ok(!(await standIn.isEditable()));
    // What was saved before the reload is not taken for unsaved, though a copy of it was kept while it was being saved.
    await page.locator(".tab.selected").waitFor();
    assert.equal(await page.locator(".tab.dirty").count(), 0);
  } finally {
    arrive();
  }
  await page.locator(".monaco-editor .view-lines").first().waitFor();
  assert.equal(await page.locator(".tab.dirty").count(), 0);
  await browser.context.unroute(/assets\/monaco-.*\.js/);
});

test("a hundred thousand files are taken in with progress, without freezing, and are found", async () => {
  const num = 100_000;
  const stopWatching = await watchFreezes();
  const began = Date.now();
  await page.evaluate((num) => {
    globalThis.progress = new Set();
    const see = () => document.querySelectorAll(".import-progress, .importing, [role=status]").forEach((at) => at.textContent.includes("Reading files") && progress.add(at.textContent));
    new MutationObserver(see).observe(document.body, { subtree: true, childList: true, characterData: true });
    const files = Array.from({ length: num }, (_, i) => ({ path: `pkg${i % 100}/mod${i % 1000}/file${i}.py`, bytes: `def function_${i}(x):\n    return x + ${i}\n` }));
    globalThis.opening = alcove.open(files, { name: "many" });
  }, num);
  const imported = await page.evaluate(() => opening);
  const took = Date.now() - began;
  assert.equal(imported.numAdded, num);
  const asked = Date.now();
  assert.equal((await search("function_77777", { mode: "word", k: 1 }))[0]?.path, "pkg77/mod777/file77777.py");
  const exact = Date.now() - asked;
  const again = Date.now();
  assert.equal((await search("function_54321", { layers: ["lexical"], k: 1 }))[0]?.path, "pkg21/mod321/file54321.py");
  const lexical = Date.now() - again;
  const status = await page.evaluate(() => alcove.status());
  const sentences = await page.evaluate(() => progress.size);
  const freeze = await stopWatching();
  console.log(`# ${num} files: taken in after ${took} ms, exact search ${exact} ms, lexical ${lexical} ms, ${sentences} sentences of progress,`);
  console.log(`# longest freeze ${freeze} ms, engine memory ${Math.round(status.memoryBytes / 1e6)} MB, stored ${Math.round(status.storedBytes / 1e6)} MB`);
  assert.ok(sentences > 10, `${sentences} sentences of progress`);
  assert.ok(freeze < 2000, `the page stood still for ${freeze} ms`);
  await quickOpen(page, "file99999.py");
  await inEditor(page);
  await picture(page, "hostile-many");
  assert.equal((await page.evaluate(() => alcove.status())).engine, "ready");
});

test("nothing was logged as an error on the way", () => {
  assert.deepEqual(browser.trouble, []);
});
