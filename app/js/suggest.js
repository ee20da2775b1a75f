// Completions as grey text behind the caret. Who writes them is on the other side of `answerWith`; here is only when
// they are asked for, and that the last question is the only one.
import { languages } from 'monaco-editor/editor/editor.api.js';

/** @typedef {{ delayMs: number, off: string[] }} Completions */
/** @typedef {(model: object, line: number, column: number, wanted: number) => Promise<[text: string, replaces: number][]>} Ask */

/** Texts that are asked for when a person asks, beside the likeliest one. */
const ALTERNATIVES = 3;

/** What Rust knows a text by. @type {WeakMap<import('monaco-editor').editor.ITextModel, object>} */
const wrappers = new WeakMap();
/** @type {Ask | undefined} */
let ask;
/** @type {() => void} */
let cancel = () => {};
/** Ends the question that is open. */
let end = () => {};
/** @type {Completions | null} */
let present = null;
/** @type {import('monaco-editor').IDisposable | undefined} */
let registered;

/** @param {import('monaco-editor').editor.ITextModel} model @param {object} wrapper */
export function note(model, wrapper) {
  wrappers.set(model, wrapper);
}

/** Whether texts of this language are completed. @param {string | undefined} language */
export const completes = (language) => present !== null && language !== undefined && !present.off.includes(language);

/** @param {Ask} asked @param {() => void} cancelled the last question needs no answer any more */
export function answerWith(asked, cancelled) {
  ask = asked;
  cancel = cancelled;
}

/** @param {Completions | null} wanted `null` while there is nobody to ask */
export function useCompletions(wanted) {
  if (JSON.stringify(wanted) === JSON.stringify(present)) return;
  present = wanted;
  registered?.dispose();
  registered = undefined;
  end();
  if (!wanted) return;
  // Where none are wanted there must be no provider: Monaco's completion of words would wait for it.
  const ids = new Set(languages.getLanguages().map(({ id }) => id).filter(completes));
  registered = languages.registerInlineCompletionsProvider([...ids], {
    debounceDelayMs: wanted.delayMs,
    async provideInlineCompletions(model, position, context, token) {
      const wrapper = wrappers.get(model);
      const isExplicit = context.triggerKind === languages.InlineCompletionTriggerKind.Explicit;
      if (!ask || !wrapper || context.selectedSuggestionInfo || token.isCancellationRequested) return { items: [] };
      end();
      const { lineNumber, column } = position;
      const answer = ask(wrapper, lineNumber - 1, column - 1, isExplicit ? ALTERNATIVES : 1);
      const pairs = await new Promise((resolve) => {
        const over = () => {
          if (end === over) {
            end = () => {};
            cancel();
          }
          resolve([]);
        };
        end = over;
        token.onCancellationRequested(over);
        answer.then((pairs) => {
          if (end === over) end = () => {};
          resolve(pairs);
        }, over);
      });
      // The line may be gone by now.
      if (pairs.length === 0 || model.isDisposed() || lineNumber > model.getLineCount()) return { items: [] };
      // Lines can only be shown at the end of one: what stands behind the caret moves behind them.
      const rest = model.getLineContent(lineNumber).slice(column - 1);
      const items = pairs.map((/** @type {[string, number]} */ [text, replaces]) => {
        const moved = text.includes('\n') ? rest.slice(replaces) : '';
        const endColumn = column + replaces + moved.length;
        return { insertText: text + moved, range: { startLineNumber: lineNumber, startColumn: column, endLineNumber: lineNumber, endColumn } };
      });
      return { items };
    },
    disposeInlineCompletions() {},
  });
}
