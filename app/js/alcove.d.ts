/**
 * `window.alcove`: the workspace of the page for scripts, tests and benchmarks. It makes the same calls as the
 * interface, so what it opens or writes shows at once.
 *
 * Every function gives a promise that settles. What it rejects with is an {@link AlcoveError}: decide on its `code`,
 * show its `message`. Lines are counted from one, and ranges of lines include their last line.
 */
export interface Alcove {
  /**
   * Makes a new workspace from files or from the bytes of a zip archive, opens it, and resolves when the files are
   * stored and searchable by words. Symbols and vectors follow; watch them with {@link status} or {@link onEvent}.
   */
  open(files: AlcoveFile[] | Uint8Array | ArrayBuffer, options?: OpenOptions): Promise<Imported>;
  /** The present state of every layer, of the storage and of the workers. */
  status(): Promise<Status>;
  /** Searches the open workspace, best hit first. Layers that are not ready yet take no part. */
  search(query: string, options?: SearchOptions & { details?: false }): Promise<Hit[]>;
  /** The same with what the engine says about its answer. */
  search(query: string, options: SearchOptions & { details: true }): Promise<SearchAnswer>;
  /** Every file of the open workspace, sorted by path. */
  files(): Promise<FileEntry[]>;
  /** The saved text of a file; bytes that are not valid UTF-8 come as U+FFFD. */
  read(path: string): Promise<string>;
  /** The saved bytes of a file. */
  readBytes(path: string): Promise<Uint8Array>;
  /**
   * Saves a file of the workspace, creating it when it is missing, whatever was saved before. A text that a person
   * has not saved yet stays in the editor. Unlike a person's own save, this never writes to the folder on disk.
   */
  write(path: string, text: string): Promise<{ lexicalFreshMs: number }>;
  /** The definitions in a file, in order: as typed, where a person has not saved it yet. */
  outline(path: string): Promise<Definition[]>;
  /** Shows a file in the editor. */
  show(path: string, line?: number): Promise<void>;
  /**
   * What the loaded language model would write at a place of a file: in the text as it stands in the editor where it is
   * open there, else in what is saved. A newer call, also one of the editor, ends an older one.
   */
  complete(place: CompletePlace): Promise<Completed>;
  /** The workspaces kept on this device. */
  workspaces(): Promise<Workspace[]>;
  /** Opens a kept workspace. */
  openWorkspace(id: number): Promise<void>;
  /** Deletes a kept workspace with everything in it, without asking. */
  deleteWorkspace(id: number): Promise<void>;
  /** Pauses embedding, or goes on. */
  pauseEmbedding(paused: boolean): Promise<void>;
  /** Throws the index away and builds it again from the files. */
  reindex(): Promise<void>;
  /** The language models that Alcove knows of, the usual one first, with how each is doing. */
  models(): Promise<LanguageModel[]>;
  /**
   * Loads a language model, by the id of its catalogue entry or of a file kept on this device, in the place of the one
   * that was loaded; it is loaded again on the next visit. Resolves when it can write.
   */
  load(id: string, options?: LoadOptions): Promise<LoadedModel>;
  /** Gives the memory of the language model back. */
  unload(): Promise<void>;
  /**
   * Lets the language model write. Nothing happens before the first step of the iteration; leaving the loop cancels, and
   * so does `return()` of the iterator, at once even while a piece is waited for.
   * The last piece has an empty text and says in `end` how it went; that is also what the iterator returns.
   */
  generate(options: GenerateOptions): AsyncGenerator<GeneratedPiece, Generated, void>;
  /** The language models that are kept on this device or on their way. */
  modelFiles(): Promise<ModelFile[]>;
  /**
   * Downloads a model of the catalogue by its id, or from an address of this server, or goes on with one that was paused.
   * Resolves when it is whole and checked; rejects with `Cancelled` when it is paused. What came stays unless the file
   * is not the right one (`BadFile`).
   */
  download(idOrAddress: string): Promise<void>;
  /** Pauses a download of this tab. */
  pauseDownload(id: string): Promise<void>;
  /** Deletes a model, or what came of it, without asking. Rejects with `Conflict` while it is in use. */
  deleteModel(id: string): Promise<void>;
  /** Takes in a model from a GGUF file. */
  importModel(file: File): Promise<ModelFile>;
  /**
   * Asks the language model about the open workspace. What it gets are passages that belong to the question; where
   * none do, it is not asked, and `end` says so. The conversation is kept with the workspace.
   */
  chat(question: string, options?: ChatOptions): Promise<Answer>;
  /** The conversations of the open workspace, the one asked last first. */
  chats(): Promise<{ thread: string; title: string; numTurns: number; asked: number }[]>;
  /** Every question of a conversation with its answer, in the order in which they were asked. */
  chatTurns(thread: string): Promise<Answer[]>;
  /** Deletes a conversation, and stops what is being written for it. */
  deleteChat(thread: string): Promise<void>;
  /** Calls `listener` for everything that happens, until the function that it returns is called. */
  onEvent(listener: (event: AlcoveEvent) => void): () => void;
  /** For tests only: each of these does harm on purpose. */
  debug: {
    /** Ends the engine worker as a crash would; the supervisor starts it again. */
    killEngine(): Promise<void>;
    /** Ends the first model worker as a crash would. */
    killModel(): Promise<void>;
    /** Ends the worker of the language model as a crash would; the model is loaded again. */
    killGenerator(): Promise<void>;
    /** Ends the worker that downloads models as a crash would. */
    killKeeper(): Promise<void>;
    /** Destroys the GPU device under the first model worker, as a driver reset would; fails where the model runs on the processor. */
    destroyGpu(): Promise<void>;
    /** The same under the language model. */
    destroyGeneratorGpu(): Promise<void>;
    /** Embeds texts with the first model worker, past the engine: `dim` numbers for each text. */
    embed(texts: string[]): Promise<{ model: string; dim: number; vectors: Float32Array }>;
  };
}

export interface AlcoveFile {
  /** Relative, with `/`. */
  path: string;
  bytes: Uint8Array | ArrayBuffer | string;
  /** Last change in milliseconds since 1970; now when left out. */
  modified?: number;
}

export interface OpenOptions {
  name?: string;
  /** Leave out what `.gitignore` files name. The person's setting when left out. */
  honourIgnore?: boolean;
  /** Leave out larger files. The person's setting when left out. */
  maxFileBytes?: number;
}

export interface Imported {
  numAdded: number;
  numChanged: number;
  numUnchanged: number;
  /** What was left out; at most a hundred paths for each reason. An ignored folder counts once. */
  skipped: { reason: 'Ignored' | 'TooLarge' | 'BadPath' | 'Unreadable' | 'Loop' | 'TooMany'; count: number; paths: string[] }[];
  /** Pairs of paths that differ by case alone. */
  caseCollisions: [string, string][];
}

export type Layer = 'lexical' | 'symbols' | 'vectors' | 'exact';

export type SymbolKind =
  | 'Module' | 'Class' | 'Struct' | 'Enum' | 'Interface' | 'Trait' | 'Function' | 'Method' | 'Constructor'
  | 'Property' | 'Field' | 'Variable' | 'Constant' | 'TypeAlias' | 'Macro' | 'Heading' | 'Key' | 'Other';

export interface SearchOptions {
  /** Number of hits wanted, 1 to 10,000; 20 when left out. */
  k?: number;
  /** Layers to use; all that are ready when left out or empty. */
  layers?: Layer[];
  filter?: {
    /** Globs on the path, separated by commas; a leading `!` excludes. */
    path?: string;
    /** Language ids. */
    languages?: string[];
    kinds?: SymbolKind[];
    /** Only files changed since, milliseconds since 1970. */
    changedSince?: number;
  };
  /** `smart` fuses words, symbols and meaning; the others look for the text as it stands. */
  mode?: 'smart' | 'exact' | 'word' | 'regex';
  /** For `exact`, `word` and `regex`. */
  caseSensitive?: boolean;
}

export interface Hit {
  path: string;
  language: string;
  startLine: number;
  /** Inclusive. */
  endLine: number;
  /** Symbol path, e.g. `Session.request`; empty outside symbols. */
  symbol: string;
  kind: SymbolKind | null;
  /** Higher is better; comparable within one answer only. */
  score: number;
  /** The layers that found it. */
  layers: Layer[];
}

export interface SearchAnswer {
  hits: Hit[];
  /** Layers that took part, with the share of the workspace that each knows, 0 to 1. */
  coverage: { layer: Layer; share: number }[];
  /** Matches beyond `k`, where the mode counts them. */
  numMore: number;
  /** Time in the engine. */
  tookMs: number;
  /** A sentence when something was left out. */
  notice: string;
}

export interface CompletePlace {
  path: string;
  line: number;
  /** UTF-16 code units of the line before the place. */
  utf16: number;
  /** Fails where another model is loaded; whichever is loaded when left out. */
  model?: string;
  /** How many different texts are wanted, 1 to 3; 1 when left out. */
  alternatives?: number;
}

export interface Completed {
  /** The model that was asked. */
  model: string;
  /** Texts to insert, the likeliest first; empty where nothing that was written can stand there. */
  texts: string[];
  /** For each, UTF-16 code units behind the place that it stands in place of: closing signs that it says itself. */
  replaces: number[];
  /** How many were not shown, by reason. */
  dropped: Partial<Record<'Empty' | 'RepeatsSuffix' | 'RepeatsPrefix' | 'Brackets' | 'Syntax' | 'Loops', number>>;
  /** Tokens of the prompt; 0 where the model was stopped as soon as enough was written. */
  numPromptTokens: number;
  /** Of those, known from before. */
  numCachedTokens: number;
  /** Paths of the passages of other files in the prompt. */
  snippets: string[];
  /** Time in the engine, milliseconds. */
  tookMs: number;
  /** Known from before, without asking the model. */
  fromCache: boolean;
}

export interface FileEntry {
  path: string;
  bytes: number;
  /** Milliseconds since 1970, 0 when unknown. */
  modified: number;
  content: 'text' | 'lossyText' | 'binary';
  language: string;
  hasDraft: boolean;
}

export interface Definition {
  name: string;
  kind: SymbolKind;
  /** Names of what contains it, joined by `.`. */
  container: string;
  startLine: number;
  /** Inclusive. */
  endLine: number;
  depth: number;
}

export interface Workspace {
  id: number;
  name: string;
  numFiles: number;
  storedBytes: number;
  /** Milliseconds since 1970. */
  opened: number;
}

export interface ModelFile {
  id: string;
  name: string;
  /** Length of the whole file; 0 while unknown. */
  bytes: number;
  doneBytes: number;
  /** Whole and checked. */
  whole: boolean;
  /** Lower-case hex; empty while unknown. */
  sha256: string;
  /** Empty for a file of the person's own. */
  address: string;
  /** `elsewhere` means on its way in another tab. */
  state: 'downloading' | 'elsewhere' | 'paused' | 'ready' | 'inUse';
}

export interface ChatOptions {
  /** Answer from these files; one that ends in `/` is a folder. The whole workspace is searched when there are none. */
  files?: string[];
  /** Answer from the definitions of these names, perhaps behind that of what contains them. */
  symbols?: string[];
  /** Most tokens to write; 384 when left out. */
  maxTokens?: number;
  /** Go on with this conversation, from {@link Answer.thread}; a new one when left out. */
  thread?: string;
  /** Called with each piece of the answer as it is written. */
  onText?: (text: string) => void;
  /** Ends the answer early: what was written so far is kept, and is what the promise resolves to. */
  signal?: AbortSignal;
}

export interface Answer {
  thread: string;
  turn: string;
  question: string;
  /** Markdown. */
  text: string;
  /** Places that the answer rests on, each held to lines that are there. */
  citations: {
    path: string;
    startLine: number;
    /** Inclusive. */
    endLine: number;
    /** Where in {@link text} the reference stands: one that the model wrote, or code that stands there word for word. */
    start: number;
    end: number;
    /** The lines still say what they said when the answer was written; they are followed where they moved. */
    isCurrent: boolean;
  }[];
  /** What the model was sent. */
  context: {
    /** Named by the caller, found by the search, or nothing that has to do with the question. */
    grounding: 'pointed' | 'found' | 'notFound';
    passages: {
      number: number;
      path: string;
      startLine: number;
      /** Inclusive. */
      endLine: number;
      text: string;
      numTokens: number;
      isCut: boolean;
    }[];
    /** A sentence for each thing that did not fit. */
    leftOut: string[];
    /** Tokens of the whole prompt. */
    numTokens: number;
    /** Most tokens that the model can see beside what it writes. */
    maxTokens: number;
  };
  end: 'complete' | 'length' | 'circle' | 'stopped' | 'nothingFound' | 'failed';
  /** Why it failed. */
  reason: string;
  model: string | null;
  /** Why it is not kept; empty when it is. */
  notKept: string;
}

export interface LayerStatus {
  /** Files for lexical and symbols, chunks for vectors. */
  done: number;
  total: number;
  /** `engine`, or for vectors for instance `cpu int8 ×2`; empty while nothing runs. */
  device: string;
}

export interface Status {
  workspace: Workspace | null;
  access: 'Writer' | 'Reader' | 'Memory' | null;
  layers: { lexical: LayerStatus; symbols: LayerStatus; vectors: LayerStatus };
  numFiles: number;
  fileBytes: number;
  numChunks: number;
  numSymbols: number;
  embed: 'noModel' | 'running' | 'paused' | 'idle' | 'failed';
  embedReason: string;
  tokensWaiting: number;
  /** While nothing else has its turn; 0 while nobody can tell. */
  chunksPerS: number;
  /** Vectors found by content hash instead of computed, since the workspace was opened. */
  chunksReused: number;
  chunksEmbedded: number;
  /** Linear memory of the engine worker. */
  memoryBytes: number;
  storedBytes: number;
  /** Used and allowed bytes of this site, as the browser estimates. */
  quota: [number, number] | null;
  notices: string[];
  lexicalReadyMs: number;
  parseMbPerS: number;
  /** `ready`, `starting`, `stale`, or `restarting: …` and `failed: …` with the reason. */
  engine: string;
  /** What the engine worker's environment can do, e.g. `opfs`. */
  capabilities: string[];
  /** `off`, or `loading: …`, `ready: …` and `failed: …` with details. */
  model: string;
}

export interface LanguageModel {
  id: string;
  name: string;
  /** On this page's own server, or at the publisher's. */
  address: string;
  bytes: number;
  /** In hex; empty where it is not known. */
  sha256: string;
  licence: string;
  /** What it takes of the memory, about. */
  memoryBytes: number;
  /** Longest text that it was trained for, in tokens. */
  context: number;
  goodFor: string;
  state: 'off' | 'loading' | 'ready' | 'failed';
  /** What is being done, where it runs and why, or why it failed. */
  stateReason: string;
}

export interface LoadOptions {
  /** Longest text in tokens, prompt included; less where the model or the memory cannot hold it. 4096 when left out. */
  maxTokens?: number;
}

export interface LoadedModel {
  id: string;
  /** What the file calls itself. */
  name: string;
  architecture: string;
  /** Longest text in tokens, prompt included. */
  maxTokens: number;
  /** It knows how to fill a gap between two texts. */
  fillsGaps: boolean;
  /** It takes messages. */
  chats: boolean;
  weightBytes: number;
  /** Largest memory of its worker while it was loaded. */
  loadPeakBytes: number;
  device: 'cpu' | 'webgpu';
  /** Where it runs, and why. */
  reason: string;
  /** Measured while loading: tokens of a prompt a second. */
  prefillPerS: number;
  /** Measured while loading: tokens written a second. */
  decodePerS: number;
}

export interface GenerateOptions {
  /** Text to go on from, as it is; or {@link messages}. */
  prompt?: string;
  /** A conversation, put through the template of the model. */
  messages?: { role: 'system' | 'user' | 'assistant'; content: string }[];
  /** Loads this model first where another one is loaded, or none. */
  model?: string;
  /** The likeliest token always when left out. */
  sampling?: {
    temperature?: number;
    topK?: number;
    topP?: number;
    minP?: number;
    /** Divides what speaks for tokens that occurred lately; above 1, the text is also kept from repeating long runs of its own. */
    repetitionPenalty?: number;
    seed?: number;
  };
  /** A JSON schema that the text must follow. */
  schema?: object;
  /** Most tokens to write; 256 when left out. */
  maxTokens?: number;
  /** Texts that end it and are not part of it. */
  stop?: string[];
}

export interface GeneratedPiece {
  text: string;
  numTokens: number;
  /** In the last piece only. */
  end?: Generated;
}

export interface Generated {
  /** All of it. */
  text: string;
  /** The model was done, a stop text came, or it became as long as it may. */
  finish: 'complete' | 'stop' | 'length';
  numPromptTokens: number;
  /** Of those, what was known from an earlier prompt. */
  numCachedTokens: number;
  numNewTokens: number;
  firstTokenMs: number;
  decodeMs: number;
}

export type AlcoveEvent =
  | { type: 'status'; status: Status }
  | { type: 'workspace'; workspace: Workspace | null }
  | { type: 'document'; path: string; dirty: boolean }
  | { type: 'files'; numFiles: number };

export type Code =
  | 'Cancelled' | 'StaleBuild' | 'EngineGone' | 'ModelGone' | 'ModelMissing' | 'NotFound' | 'NotOpen' | 'Exists' | 'Invalid'
  | 'BadFile' | 'TooLarge' | 'Quota' | 'ReadOnly' | 'Storage' | 'Conflict' | 'Network' | 'Unsupported' | 'Internal';

export interface AlcoveError extends Error {
  name: 'AlcoveError';
  code: Code;
  /** Trying again after this time may help. */
  retryAfterMs?: number;
}

declare global {
  interface Window {
    alcove: Alcove;
  }
}
