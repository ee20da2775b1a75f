// The editor behind a small interface that Rust binds to (`app/src/editor/monaco.rs`): models, views, comparisons.
// Positions are zero-based lines and UTF-16 columns here and become Monaco's one-based ones at this border only. The
// text of a model always has LF line endings; what a file really has is kept on the other side.
//
// The module leaves a promise of itself in `globalThis.alcoveEditor`.
import { editor, Range, Selection, Uri } from 'monaco-editor/editor/editor.api.js';
import { errorHandler, isCancellationError } from 'monaco-editor/base/common/errors.js';
import './features.js';
import './editor.css';
import { keepHints } from './hints.js';
import { known } from './languages.js';
import { answerWith, completes, note, useCompletions } from './suggest.js';
import { useTheme } from './theme.js';

/* global EDITOR_WORKER_NAME, EDITOR_CSS_NAME */

/** @typedef {{
 *   theme: 'light' | 'dark' | 'contrast-light' | 'contrast-dark', fontSize: number, wordWrap: boolean,
 *   minimap: boolean, tabSize: number, screenReader: boolean,
 *   completions: import('./suggest.js').Completions | null,
 * }} Settings */

// @ts-ignore: put in by build.mjs
const asset = (/** @type {string} */ name) => new URL(name, import.meta.url).href;

self.MonacoEnvironment = {
  getWorker: (_id, label) => {
    // Each is a new attempt.
    noteHelper(false);
    return new Worker(asset(EDITOR_WORKER_NAME), { type: 'module', name: label });
  },
};

/** The editor's worker could not be fetched. */
let isHelperMissing = false;
const noteHelper = (/** @type {boolean} */ isMissing) => {
  isHelperMissing = isMissing;
  for (const view of alive) if (view instanceof Diff) view.noteHelper();
};
// Monaco leaves the promises of what it cancels to themselves, and VS Code takes no notice of those either.
addEventListener('unhandledrejection', (event) => {
  if (isCancellationError(event.reason)) event.preventDefault();
});
const tell = errorHandler.unexpectedErrorHandler;
errorHandler.unexpectedErrorHandler = (/** @type {unknown} */ err) => {
  // A worker that cannot be fetched, as without a network, says so by a bare event; one that fails at its work tells more.
  if (!(err instanceof Event) || err.type !== 'error' || err instanceof ErrorEvent) return tell(err);
  console.warn('A part of the editor could not be fetched. Text is edited all the same, but words are not completed and changes not marked.');
  noteHelper(true);
};

/** Resolves when the style sheet is there; without it the first layout would measure nothing. */
async function addStyles() {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = asset(EDITOR_CSS_NAME);
  const loaded = new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => reject(new Error('the style sheet of the editor could not be loaded'));
  });
  document.head.append(link);
  try {
    await loaded;
  } catch (err) {
    link.remove();
    throw err;
  }
}

/** @type {Settings} */
let settings = {
  theme: 'light', fontSize: 14, wordWrap: false, minimap: false, tabSize: 4, screenReader: false,
  completions: null,
};

/** What every view is made with. @returns {import('monaco-editor').editor.IEditorOptions} */
function viewOptions() {
  return {
    accessibilitySupport: settings.screenReader ? 'on' : 'auto',
    automaticLayout: true,
    fixedOverflowWidgets: true,
    fontSize: settings.fontSize,
    fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
    largeFileOptimizations: true,
    minimap: { enabled: settings.minimap },
    padding: { top: 6 },
    inlineSuggest: { enabled: true, mode: 'subwordSmart', showToolbar: 'onHover' },
    quickSuggestions: words(undefined),
    renderWhitespace: 'selection',
    scrollBeyondLastLine: false,
    // Dimmed, its number has too little contrast to be read.
    renderFinalNewline: 'on',
    smoothScrolling: false,
    stickyScroll: { enabled: true, maxLineCount: 3 },
    // Only LF, CR and CRLF end a line; anything else that looks like an ending is text that must stay.
    unusualLineTerminators: 'off',
    wordWrap: settings.wordWrap ? 'on' : 'off',
  };
}

/**
 * Whether words of the text are offered while somebody types. Where grey text is coming they are offered when asked for:
 * their list hides it, and Monaco's own setting for both gives up waiting for the grey text after 750 ms, which is less
 * than a small model takes on a processor.
 * @param {string | undefined} language
 * @returns {import('monaco-editor').editor.IQuickSuggestionsOptions}
 */
function words(language) {
  return { other: completes(language) ? 'off' : 'on', comments: false, strings: false };
}

/** @type {Set<View | Diff>} */
const alive = new Set();

/** The text of one file with its undo stack. */
class Model {
  /**
   * @param {string} text @param {string} language @param {string} path
   * @param {(changes: Uint32Array) => void} onChange told of each edit as triples (line, removed line breaks, added
   * line breaks) in an order in which they can be applied one after the other
   */
  constructor(text, language, path, onChange) {
    Model.count += 1;
    // The number keeps names apart when a file is closed and opened again before the old model is gone.
    const uri = Uri.from({ scheme: 'alcove', authority: String(Model.count), path: `/${path}` });
    this.model = editor.createModel(text, known(language), uri);
    note(this.model, this);
    this.model.setEOL(editor.EndOfLineSequence.LF);
    this.model.updateOptions({ tabSize: settings.tabSize });
    this.model.detectIndentation(true, settings.tabSize);
    this.model.onDidChangeContent((event) => {
      const changes = [...event.changes].sort((a, b) => b.rangeOffset - a.rangeOffset);
      const flat = new Uint32Array(changes.length * 3);
      changes.forEach((change, i) => {
        const { startLineNumber, endLineNumber } = change.range;
        flat.set([startLineNumber - 1, endLineNumber - startLineNumber, countBreaks(change.text)], i * 3);
      });
      onChange(flat);
    });
  }

  text() {
    return this.model.getValue(editor.EndOfLinePreference.LF);
  }

  /** Replace what differs, as one step that can be undone. @param {string} text */
  replace(text) {
    const old = this.text();
    let start = 0;
    let end = Math.min(old.length, text.length);
    while (start < end && old.charCodeAt(start) === text.charCodeAt(start)) start += 1;
    let tail = 0;
    end -= start;
    while (tail < end && old.charCodeAt(old.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail)) tail += 1;
    // Half a surrogate pair is no text.
    if (start > 0 && isHigh(old.charCodeAt(start - 1))) start -= 1;
    if (tail > 0 && isLow(old.charCodeAt(old.length - tail))) tail -= 1;
    if (start === old.length - tail && start === text.length - tail) return;
    const range = Range.fromPositions(this.model.getPositionAt(start), this.model.getPositionAt(old.length - tail));
    this.model.pushStackElement();
    this.model.pushEditOperations([], [{ range, text: text.slice(start, text.length - tail) }], () => null);
    this.model.pushStackElement();
  }

  version() {
    return this.model.getAlternativeVersionId();
  }

  /** What is typed from now on is undone separately. */
  boundary() {
    this.model.pushStackElement();
  }

  dispose() {
    this.model.dispose();
  }
}
Model.count = 0;

/** A pane that shows one model. */
class View {
  /** @param {HTMLElement} host @param {(kind: string, detail: unknown) => void} onEvent */
  constructor(host, onEvent) {
    this.editor = editor.create(host, { ...viewOptions(), model: null });
    this.hits = this.editor.createDecorationsCollection();
    /** Waits for a width before something is brought into view. @type {import('monaco-editor').IDisposable | undefined} */
    this.laidOut = undefined;
    this.editor.onDidFocusEditorText(() => {
      onEvent('focus', null);
      // Whoever asks where the cursor is means that of the pane that has the keyboard.
      this.tellCursor(onEvent);
    });
    this.editor.onDidChangeCursorSelection(() => this.tellCursor(onEvent));
    this.editor.onDidChangeModel(() => this.tellCursor(onEvent));
    alive.add(this);
  }

  /** @param {(kind: string, detail: unknown) => void} onEvent */
  tellCursor(onEvent) {
    const model = this.editor.getModel();
    const selections = this.editor.getSelections();
    if (!model || !selections) return;
    const { positionLineNumber, positionColumn } = selections[0];
    const selected = selections.reduce((sum, selection) => sum + model.getValueLengthInRange(selection), 0);
    onEvent('cursor', Uint32Array.of(positionLineNumber - 1, positionColumn - 1, selections.length, selected));
  }

  /** @param {Model | null | undefined} model @param {any} state what `state()` gave before */
  show(model, state) {
    if (this.editor.getModel() === (model?.model ?? null)) return;
    this.hits.clear();
    this.editor.setModel(model?.model ?? null);
    this.editor.updateOptions({ quickSuggestions: words(model?.model.getLanguageId()) });
    if (model && state) this.editor.restoreViewState(state);
  }

  state() {
    return this.editor.getModel() ? this.editor.saveViewState() : null;
  }

  /** @param {number} startLine @param {number} startColumn @param {number} endLine @param {number} endColumn */
  reveal(startLine, startColumn, endLine, endColumn) {
    const model = this.editor.getModel();
    if (!model) return;
    const range = model.validateRange(new Range(startLine + 1, startColumn + 1, endLine + 1, endColumn + 1));
    this.editor.setSelection(range);
    const show = () => this.editor.revealRangeInCenterIfOutsideViewport(range, editor.ScrollType.Immediate);
    this.laidOut?.dispose();
    // A view that has no width yet would scroll sideways to show the first letter, and stay there.
    if (this.editor.getLayoutInfo().contentWidth > 0) return show();
    this.laidOut = this.editor.onDidLayoutChange(({ contentWidth }) => {
      if (contentWidth <= 0) return;
      this.laidOut?.dispose();
      if (this.editor.getModel() === model) show();
    });
  }

  /** Marks ranges, four numbers each. @param {Uint32Array} flat */
  mark(flat) {
    const marks = [];
    for (let i = 0; i + 3 < flat.length; i += 4) {
      marks.push({
        range: new Range(flat[i] + 1, flat[i + 1] + 1, flat[i + 2] + 1, flat[i + 3] + 1),
        options: {
          className: 'alcove-hit',
          stickiness: editor.TrackedRangeStickiness.NeverGrowsWhenTypingAtEdges,
          overviewRuler: { color: '#d18616cc', position: editor.OverviewRulerLane.Center },
        },
      });
    }
    this.hits.set(marks);
  }

  /** @param {string | null | undefined} why */
  setReadOnly(why) {
    this.editor.updateOptions({ readOnly: Boolean(why), readOnlyMessage: why ? { value: why } : undefined });
  }

  /** @param {string} action @returns {boolean} whether the editor knows it */
  run(action) {
    const found = this.editor.getAction(action);
    if (!found) return false;
    this.editor.focus();
    // An action that does not apply right now (find in an empty pane) does nothing, which is what is wanted.
    found.run().catch((err) => console.warn(`${action}:`, err));
    return true;
  }

  /** Whether what is selected is what a hit marked. */
  selectsHit() {
    const selection = this.editor.getSelection();
    return selection !== null && this.hits.getRanges().some((range) => range.equalsRange(selection));
  }

  selectedText() {
    const selection = this.editor.getSelection();
    return (selection && this.editor.getModel()?.getValueInRange(selection)) || '';
  }

  /** The selected lines as `{"path": "", "start_line", "end_line", "text"}`. @returns {string | undefined} */
  selectedLines() {
    const selection = this.editor.getSelection();
    const model = this.editor.getModel();
    if (!selection || !model) return undefined;
    // A selection that ends before the first letter of a line does not reach into it.
    const reaches = selection.endColumn > 1 || selection.endLineNumber === selection.startLineNumber;
    const last = reaches ? selection.endLineNumber : selection.endLineNumber - 1;
    const text = model.getValueInRange(new Range(selection.startLineNumber, 1, last, model.getLineMaxColumn(last)));
    return JSON.stringify({ path: '', start_line: selection.startLineNumber - 1, end_line: last - 1, text });
  }

  /** Put a text in the place of what is selected, as one step that can be undone. @param {string} text */
  insert(text) {
    const selection = this.editor.getSelection();
    if (!selection || this.editor.getOption(editor.EditorOption.readOnly)) return false;
    this.editor.pushUndoStop();
    this.editor.executeEdits('alcove', [{ range: selection, text, forceMoveMarkers: true }]);
    this.editor.pushUndoStop();
    this.editor.focus();
    return true;
  }

  hasKeyboard() {
    return this.editor.hasWidgetFocus();
  }

  focus() {
    this.editor.focus();
  }

  refresh() {
    this.editor.updateOptions({ ...viewOptions(), quickSuggestions: words(this.editor.getModel()?.getLanguageId()) });
  }

  dispose() {
    alive.delete(this);
    this.editor.dispose();
  }
}

/** Two texts side by side. */
class Diff {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.editor = editor.createDiffEditor(host, {
      ...viewOptions(),
      hideUnchangedRegions: { enabled: true, minimumLineCount: 3, contextLineCount: 3 },
      originalEditable: false,
      renderSideBySideInlineBreakpoint: 700,
      ignoreTrimWhitespace: false,
      maxComputationTime: 3000,
    });
    keepHints();
    /** Says why nothing is marked. */
    this.notice = document.createElement('div');
    this.notice.className = 'editor-notice';
    this.notice.setAttribute('role', 'status');
    host.before(this.notice);
    this.noteHelper();
    /** Models that belong to this comparison alone. @type {import('monaco-editor').editor.ITextModel[]} */
    this.own = [];
    alive.add(this);
  }

  noteHelper() {
    this.notice.hidden = !isHelperMissing;
    this.notice.textContent = isHelperMissing ? 'The two texts are shown, but not what differs: a part of the editor could not be fetched. Check the connection, then reload the page.' : '';
  }

  /** @param {string} text @param {string} language */
  make(text, language) {
    const model = editor.createModel(text, known(language));
    model.setEOL(editor.EndOfLineSequence.LF);
    this.own.push(model);
    return model;
  }

  forget() {
    this.editor.setModel(null);
    for (const model of this.own.splice(0)) model.dispose();
  }

  /** @param {string} before @param {string} after @param {string} language */
  setTexts(before, after, language) {
    this.forget();
    this.editor.setModel({ original: this.make(before, language), modified: this.make(after, language) });
    this.editor.updateOptions({ readOnly: true });
  }

  /** Compare with a model that stays editable. @param {string} before @param {Model} after @param {string} language */
  showModel(before, after, language) {
    this.forget();
    this.editor.setModel({ original: this.make(before, language), modified: after.model });
    this.editor.updateOptions({ readOnly: false });
  }

  /** @param {boolean} inline */
  setInline(inline) {
    this.editor.updateOptions({ renderSideBySide: !inline });
  }

  /** Go to the next or the previous difference. @param {boolean} forward */
  next(forward) {
    this.editor.goToDiff(forward ? 'next' : 'previous');
  }

  refresh() {
    this.editor.updateOptions(viewOptions());
  }

  dispose() {
    alive.delete(this);
    this.forget();
    this.editor.dispose();
  }
}

/** @param {string} text */
function countBreaks(text) {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

const isHigh = (/** @type {number} */ unit) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (/** @type {number} */ unit) => unit >= 0xdc00 && unit <= 0xdfff;

const api = {
  createModel: (/** @type {ConstructorParameters<typeof Model>} */ ...args) => new Model(...args),
  createView: (/** @type {ConstructorParameters<typeof View>} */ ...args) => new View(...args),
  answerWith,
  createDiff: (/** @type {HTMLElement} */ host) => new Diff(host),
  /** Code as HTML in the colours of the present theme. */
  colorize: (/** @type {string} */ text, /** @type {string} */ language) => editor.colorize(text, known(language.toLowerCase()), {}),
  /** @param {Settings} wanted */
  configure(wanted) {
    settings = wanted;
    useTheme(settings.theme);
    useCompletions(settings.completions);
    for (const view of alive) view.refresh();
  },
};

// A promise and not a top-level await: the load event of a module script does not wait for the latter.
/** @type {any} */ (globalThis).alcoveEditor = addStyles().then(() => api);
