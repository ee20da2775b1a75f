// What the stories of the model share: a tab whose model runs where they want it.
import { openApp, untilStatus } from "./alcove.mjs";

/**
 * Open Alcove in a tab with these settings, with a workspace of `files`, and wait until its model is ready.
 * Gives the names of the modules that its model workers were started with.
 */
export async function openWithModel(page, url, settings, files, timeout = 120_000) {
  const modules = [];
  page.on("worker", (worker) => {
    const module = new URL(worker.url()).searchParams.get("module");
    if (module?.startsWith("model")) modules.push(module);
  });
  await page.addInitScript((json) => localStorage.setItem("alcove.settings", json), JSON.stringify(settings));
  await openApp(page, url);
  await page.evaluate((files) => alcove.open(files), Object.entries(files).map(([path, bytes]) => ({ path, bytes })));
  await untilStatus(page, (s) => s.model.startsWith("ready"), timeout);
  return modules;
}

/** Why WebGPU cannot be tried in this browser; undefined where it can. */
export const noWebGpu = (page) =>
  page.evaluate(async () => {
    const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
    if (!adapter) return navigator.gpu ? "WebGPU has no adapter here, not even a software one" : "this browser has no WebGPU";
    return adapter.features.has("timestamp-query") ? undefined : "the adapter lacks timestamp queries, without which the GPU is refused";
  });
