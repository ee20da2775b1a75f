// Key chords that belong to the page. They are taken before Monaco sees them, because it would use some itself
// (Ctrl-K starts its chords, F1 its palette), and given to the page's own listeners as if no editor were there.

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** `Mod+Shift+P` for an event. @param {KeyboardEvent} event */
function chord(event) {
  const mod = MAC ? event.metaKey : event.ctrlKey;
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const other = MAC ? event.ctrlKey && 'Ctrl' : event.metaKey && 'Meta';
  return [mod && 'Mod', other, event.altKey && 'Alt', event.shiftKey && 'Shift', key].filter(Boolean).join('+');
}

/**
 * Keeps reserved chords from everything inside `host`.
 * @param {HTMLElement} host @param {() => string[]} list
 * @returns {() => void} ends it
 */
export function reserved(host, list) {
  const listener = (/** @type {KeyboardEvent} */ event) => {
    if (!list().includes(chord(event))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { key, code, ctrlKey, metaKey, shiftKey, altKey, repeat } = event;
    const copy = new KeyboardEvent('keydown', {
      key, code, ctrlKey, metaKey, shiftKey, altKey, repeat, bubbles: true, cancelable: true, composed: true,
    });
    host.parentElement?.dispatchEvent(copy);
  };
  host.addEventListener('keydown', listener, { capture: true });
  return () => host.removeEventListener('keydown', listener, { capture: true });
}
