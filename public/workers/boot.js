// Starts one wasm module in a module worker: `/workers/boot.js?module=engine&v=BUILD`.
//
// A wasm module takes a moment to load, and messages that arrive before it listens would be lost. They are kept here
// and given to the module, in order and with their ports, once its `main` has installed `self.onmessage`.

const modules = ['engine', 'model_cpu', 'model_relaxed', 'model_gpu'];

/** Messages that came before the module listened. @type {MessageEvent[]} */
const early = [];
/** @param {MessageEvent} event */
const keep = (event) => void early.push(event);
self.onmessage = keep;

// A rejected promise that nobody waits for never reaches the page; an error does, and the page restarts the worker.
self.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  const { reason } = event;
  setTimeout(() => {
    throw reason instanceof Error ? reason : new Error(`unhandled rejection: ${String(reason)}`);
  });
});

/** @param {string} name one of `modules` @param {string} build */
async function start(name, build) {
  const { default: init } = await import(`./${name}.js?v=${build}`);
  const answer = await fetch(new URL(`./${name}_bg.wasm?v=${build}`, self.location.href));
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  // `init` runs the module's `main`, which sets `self.onmessage`, before it resolves.
  await init({ module_or_path: answer });
  if (self.onmessage === keep) throw new Error('it does not listen');
  for (const { data, ports } of early.splice(0)) {
    self.dispatchEvent(new MessageEvent('message', { data, ports: [...ports] }));
  }
}

const query = new URL(self.location.href).searchParams;
const name = query.get('module') ?? '';
if (modules.includes(name)) {
  start(name, encodeURIComponent(query.get('v') ?? '')).catch((err) => {
    const reason = err instanceof Error ? err.message : String(err);
    const sentence = `A part of Alcove (${name}) could not be started: ${reason}. Check the connection and reload.`;
    self.postMessage(['boot-error', sentence]);
  });
} else {
  self.postMessage(['boot-error', `This build of Alcove has no part named “${name}”. Reload the page.`]);
}
