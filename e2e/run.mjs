// Runs every story of e2e/stories in real Chromium, one file after the other: `node e2e/run.mjs [name …]`.
// Ends with one line `N passed, N failed`.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { serve } from "./lib/alcove.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "stories");
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".test.mjs") && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort()
  .map((name) => join(folder, name));

const server = await serve();
process.env.ALCOVE_URL = server.url;
let passed = 0;
let failed = 0;
const stream = run({ files, concurrency: 1, timeout: 300_000 });
// A file counts as a test of its own in some versions of Node; only what stands inside is a story.
const isStory = (data) => data.details?.type !== "suite" && !data.name.endsWith(".test.mjs");
stream.on("test:pass", (data) => (passed += isStory(data) && data.skip === undefined ? 1 : 0));
stream.on("test:fail", (data) => (failed += isStory(data) || data.details?.error ? 1 : 0));
stream.compose(new spec()).pipe(process.stdout);
stream.on("end", async () => {
  await server.stop();
  setImmediate(() => {
    console.log(`e2e: ${passed} passed, ${failed} failed`);
    process.exit(failed === 0 && passed > 0 ? 0 : 1);
  });
});
