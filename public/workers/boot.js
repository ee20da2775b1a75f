// Starts one worker: `/workers/boot.js?module=NAME&v=BUILD` loads `./NAME.js` and `./NAME_bg.wasm` of that build.
// Messages that arrive before the module listens are held and handed over in order. A module that cannot be loaded,
// and a panic later on, reach the page as `["boot-error", sentence]`; the page's supervisor does the rest.
//
// Messages mean something only between a page and a worker of one build. This file is always asked for anew, so it is
// that of the newest one: where another page asks for a worker, it gets none, and is told so as `stale-build`.

const parameters = new URL(self.location.href).searchParams;
const name = parameters.get('module') ?? '';
const build = parameters.get('v') ?? '';
/** Written by the build. */
const served = '@BUILD@';
const alive = parameters.get('alive');

/** @type {MessageEvent[]} */
const held = [];
const hold = (/** @type {MessageEvent} */ event) => held.push(event);
self.addEventListener('message', hold);

const report = (/** @type {string} */ sentence) => self.postMessage(['boot-error', sentence]);
const reason = (/** @type {unknown} */ err) => (err instanceof Error ? err.message : String(err));

// The browser lets go of this lock when this worker ends for whatever reason, which tells the page at once. Without Web
// Locks the page's heartbeat notices later.
if (alive && navigator.locks) {
  await new Promise((/** @type {(value?: unknown) => void} */ held) => {
    const forever = () => {
      held();
      return new Promise(() => {});
    };
    navigator.locks.request(alive, forever).catch(held);
  });
}

// A panic inside asynchronous wasm code ends as a rejected promise that nobody handles and would only show in the
// console. Its instance is in an unknown state then, so the page must replace it.
self.addEventListener('unhandledrejection', (event) => {
  if (event.reason instanceof WebAssembly.RuntimeError) report(`it failed inside (${reason(event.reason)})`);
});

try {
  if (!served.startsWith('@') && build !== served) throw new Error('stale-build');
  if (!/^[a-z][a-z_]*$/.test(name)) throw new Error(`“${name}” is not the name of a module`);
  const module = await import(`./${name}.js?v=${encodeURIComponent(build)}`);
  await module.default({ module_or_path: new URL(`${name}_bg.wasm?v=${encodeURIComponent(build)}`, self.location.href) });
  self.removeEventListener('message', hold);
  if (typeof self.onmessage !== 'function') throw new Error('it started but does not listen');
  for (const event of held.splice(0)) self.onmessage(event);
} catch (err) {
  if (reason(err) === 'stale-build') {
    report('stale-build');
  } else {
    console.error(err);
    report(`its module ${name} could not be loaded (${reason(err)})`);
  }
}
