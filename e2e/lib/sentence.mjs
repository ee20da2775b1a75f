import assert from "node:assert/strict";

/** A sentence for a person: several words, a full stop, and no dump of something inside. */
export function isSentence(text) {
  assert.match(text, /^\S+ .+[.!?]$/su, text);
  assert.doesNotMatch(text, /undefined|\[object|panicked|JsValue|Err\(/, text);
}
