// Grammars are fetched when a language is first met; a file whose grammar cannot be had is searched by lines.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openApp, openBrowser, openFiles, serve, untilStatus } from "../lib/alcove.mjs";

let browser, page, server;
const asked = [];
before(async () => {
  server = await serve();
  browser = await openBrowser();
  await browser.context.route("**/workers/grammars/ruby.bin*", (route) => route.abort());
  browser.context.on("request", (request) => {
    const match = /grammars\/([a-z_]+)\.bin/.exec(request.url());
    if (match) asked.push(match[1]);
  });
  page = await browser.page();
  await openApp(page, server.url);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const samples = {
  "a.py": "class Kettle:\n    def boil(self):\n        return 100\n",
  "a.js": "export function boil() { return 100; }\n",
  "a.ts": "export class Kettle { boil(): number { return 100; } }\n",
  "a.tsx": "export function Kettle() { return <b>hot</b>; }\n",
  "a.rs": "pub struct Kettle;\nimpl Kettle {\n    pub fn boil(&self) -> u32 { 100 }\n}\n",
  "a.go": "package a\n\nfunc Boil() int { return 100 }\n",
  "A.java": "class Kettle {\n    int boil() { return 100; }\n}\n",
  "a.c": "int boil(void) { return 100; }\n",
  "a.cpp": "class Kettle {\n  int boil() { return 100; }\n};\n",
  "a.cs": "class Kettle {\n    int Boil() { return 100; }\n}\n",
  "a.php": "<?php\nfunction boil() { return 100; }\n",
  "a.sh": "boil() {\n  echo 100\n}\n",
  "a.md": "# Kettle\n\nBoils.\n\n## Safety\n\nHot.\n",
  "a.html": "<h1 id=\"kettle\">Kettle</h1>\n",
  "a.css": ".kettle { color: red; }\n",
  "a.json": "{\"kettle\": {\"boil\": 100}}\n",
  "a.yaml": "kettle:\n  boil: 100\n",
  "a.toml": "[kettle]\nboil = 100\n",
};

test("every language that is met gets its grammar, and no other is fetched", async () => {
  await openFiles(page, { "only.py": samples["a.py"] });
  await untilStatus(page, (s) => s.layers.symbols.total === 1 && s.layers.symbols.done === 1);
  assert.deepEqual(asked, ["python"]);
  await openFiles(page, samples);
  await untilStatus(page, (s) => s.layers.symbols.total >= 18 && s.layers.symbols.done === s.layers.symbols.total);
  assert.equal(new Set(asked).size, asked.length, `fetched twice: ${asked}`);
  for (const path of ["a.py", "a.js", "a.ts", "a.tsx", "a.rs", "a.go", "A.java", "a.c", "a.cpp", "a.cs", "a.php", "a.sh", "a.md"]) {
    const hits = await page.evaluate((path) => alcove.search("boil kettle", { k: 5, filter: { path } }), path);
    assert.ok(hits.some((hit) => hit.symbol !== ""), `${path}: ${JSON.stringify(hits)}`);
  }
});

test("a grammar that cannot be fetched leaves its files to be found by lines, and says so", async () => {
  await openFiles(page, { "a.rb": "class Kettle\n  def whistle\n    'loud'\n  end\nend\n" });
  await untilStatus(page, (s) => s.layers.symbols.done === s.layers.symbols.total && s.notices.some((n) => n.includes("ruby")));
  const hits = await page.evaluate(() => alcove.search("whistle", { k: 3 }));
  assert.equal(hits[0].path, "a.rb");
  assert.equal(hits[0].symbol, "");
});

test("once it can be fetched, the next opening reads the file properly", async () => {
  await browser.context.unroute("**/workers/grammars/ruby.bin*");
  await openApp(page, server.url);
  await untilStatus(page, (s) => s.numFiles === 1 && s.numSymbols >= 2 && s.layers.symbols.done === s.layers.symbols.total);
  const hits = await page.evaluate(() => alcove.search("whistle", { k: 3 }));
  assert.equal(hits[0].path, "a.rb");
  assert.match(hits[0].symbol, /whistle/);
});
