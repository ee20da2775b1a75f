// Runs the stories of e2e/stories in real Chromium: `node e2e/run.mjs [name …]`. Most files leave a core idle while they
// wait for a page, so two run at a time. Ends with one line `N passed, N failed`.
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { serve } from "./lib/alcove.mjs";

/** Files that need the machine for themselves: a GPU of software takes all cores, and how long something takes or when
 * a worker dies is what the others are about. */
const ALONE = ["gpu", "hostile", "kill", "language", "language-gpu", "model"];
const AT_ONCE = 2;

const folder = join(dirname(fileURLToPath(import.meta.url)), "stories");
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".test.mjs") && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort()
  .map((name) => join(folder, name));
const isAlone = (file) => ALONE.includes(basename(file, ".test.mjs"));

const server = await serve();
process.env.ALCOVE_URL = server.url;
let passed = 0;
let failed = 0;
// What failed and why, told once more at the end: often only the end of a log is kept.
const failures = [];
// A file counts as a test of its own in some versions of Node; only what stands inside is a story.
const isStory = (data) => data.details?.type !== "suite" && !data.name.endsWith(".test.mjs");
async function runFiles(files, concurrency) {
  if (files.length === 0) return;
  const stream = run({ files, concurrency, timeout: 300_000 });
  stream.on("test:pass", (data) => (passed += isStory(data) && data.skip === undefined ? 1 : 0));
  stream.on("test:fail", (data) => {
    if (!isStory(data) && !data.details?.error) return;
    failed += 1;
    const error = data.details?.error?.cause ?? data.details?.error;
    const place = data.file ? `${basename(data.file)}:${data.line}` : "";
    failures.push(`${place} ${data.name}\n${String(error?.stack ?? error).slice(0, 1500)}`.trim());
  });
  const ended = new Promise((resolve) => stream.on("end", resolve));
  stream.compose(new spec()).pipe(process.stdout, { end: false });
  await ended;
}
await runFiles(files.filter((file) => !isAlone(file)), AT_ONCE);
await runFiles(files.filter(isAlone), 1);
await server.stop();
setImmediate(() => {
  for (const failure of failures) console.log(`\nfailed: ${failure.replaceAll("\n", "\n  ")}`);
  console.log(`e2e: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
});
