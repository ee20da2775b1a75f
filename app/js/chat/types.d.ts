// What the page tells the panel, as the protocol's types look in JSON (`worker/crates/protocol/src/chat.rs`).

export type Mention =
  | { Path: string }
  | { Symbol: string }
  | { Lines: { path: string; start_line: number; end_line: number; text: string } };

export interface Passage {
  number: number;
  path: string;
  start_line: number;
  end_line: number;
  symbol: string;
  text: string;
  num_tokens: number;
  is_cut: boolean;
  score: number;
}

export interface Context {
  grounding: 'Pointed' | 'Found' | 'NotFound';
  passages: Passage[];
  left_out: string[];
  messages: { speaker: string; text: string }[];
  num_tokens: number;
  max_tokens: number;
}

export interface Citation {
  start: number;
  end: number;
  path: string;
  start_line: number;
  end_line: number;
  is_current: boolean;
}

export type End = 'Complete' | 'Length' | 'Circle' | 'Stopped' | 'NothingFound' | { Failed: string };

export interface Turn {
  id: string;
  after: string | null;
  question: string;
  mentions: Mention[];
  context: Context;
  answer: string;
  citations: Citation[];
  end: End;
  model: { model: string } | null;
  asked_unix_ms: number;
  not_kept: string;
  /** Only in the panel: what happens while the answer is on its way; nothing once it has ended. */
  state?: 'searching' | 'reading' | 'writing' | 'stopping';
  /** Only in the panel: no model answered. */
  needsModel?: boolean;
  /** Only in the panel: the engine has never had it. */
  isLost?: boolean;
}

export interface Thread {
  id: string;
  title: string;
  num_turns: number;
  asked_unix_ms: number;
}

/** What the page answers: a kind with its arguments gives a promise of a text. */
export type Ask = (kind: string, args: string[]) => Promise<string>;
