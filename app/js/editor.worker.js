// The editor's own worker: differences of two texts, links and word completions, off the page's thread.
import 'monaco-editor/editor/editor.worker.js';
