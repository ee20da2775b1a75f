//! What is sent within a budget of tokens, and in words what is not.

use std::fmt::Write as _;

/// Tokens below which a cut piece is not worth its header.
const LEAST_CUT: u32 = 48;
/// Share of a budget that one piece may take where others have to stay out for it: one long function among the best
/// matches took half of what a slow model can read.
const MOST_SHARE: f32 = 0.4;
/// Pieces that a sentence names; the others are counted.
const NAMED: usize = 3;

/// A run of whole lines of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The file.
    pub path: String,
    /// First line, zero-based.
    pub start_line: u32,
    /// Path of the symbol; empty outside symbols.
    pub symbol: String,
    /// The lines, without the last line end.
    pub text: String,
    /// Score of the search; 0 when a person pointed to it.
    pub score: f32,
}

impl Piece {
    /// Number of its lines, at least one.
    #[must_use]
    pub fn num_lines(&self) -> u32 {
        self.text.split('\n').count() as u32
    }

    /// Last line, zero-based, inclusive.
    #[must_use]
    pub fn end_line(&self) -> u32 {
        self.start_line + self.num_lines() - 1
    }

    /// Where it stands, for a person: lines from one.
    fn place(&self) -> String {
        let (start, end) = (self.start_line + 1, self.end_line() + 1);
        if start == end {
            format!("`{}` line {start}", self.path)
        } else {
            format!("`{}` lines {start}–{end}", self.path)
        }
    }

    /// Its first `num` lines.
    fn first_lines(&self, num: usize) -> Self {
        let end =
            self.text.match_indices('\n').nth(num.saturating_sub(1)).map_or(self.text.len(), |(at, _)| at);
        Self { text: self.text[..end].to_owned(), ..self.clone() }
    }
}

/// A piece that is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// Number by which it is cited, from 1.
    pub number: u32,
    /// What is sent of it.
    pub piece: Piece,
    /// Tokens that it costs; of a cut one an estimate from the whole, by length.
    pub num_tokens: u32,
    /// Not all of it fitted.
    pub is_cut: bool,
}

/// What is sent and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed {
    /// Best first.
    pub passages: Vec<Numbered>,
    /// A sentence for each thing that was left out or cut.
    pub left_out: Vec<String>,
}

/// Take out what another piece holds already, and join what overlaps; the order stays.
#[must_use]
pub fn merge(mut pieces: Vec<Piece>) -> Vec<Piece> {
    // A piece that joins another may reach a third.
    loop {
        let before = pieces.len();
        pieces = merge_once(pieces);
        if pieces.len() == before {
            return pieces;
        }
    }
}

fn merge_once(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    'next: for piece in pieces {
        for known in &mut out {
            let overlap = known.path == piece.path
                && piece.start_line <= known.end_line()
                && known.start_line <= piece.end_line();
            if !overlap {
                continue;
            }
            if piece.start_line < known.start_line {
                let before = (known.start_line - piece.start_line) as usize;
                let head = piece.first_lines(before).text;
                known.text = format!("{head}\n{}", known.text);
                known.start_line = piece.start_line;
            }
            if let Some(missing) = piece.end_line().checked_sub(known.end_line()).filter(|n| *n > 0) {
                let lines: Vec<&str> = piece.text.split('\n').collect();
                let tail = &lines[lines.len() - (missing as usize).min(lines.len())..];
                let _written = write!(known.text, "\n{}", tail.join("\n"));
            }
            if known.symbol != piece.symbol {
                known.symbol.clear();
            }
            continue 'next;
        }
        out.push(piece);
    }
    out
}

/// Choose what is sent. Where not all of it fits, no piece that a search found takes more than [`MOST_SHARE`] of the
/// budget; what a person pointed to may. `counts` has the tokens of each piece as it is sent ([`super::rendered`]). A piece that does not
/// fit is cut at the end of a line when enough of it does; smaller ones behind it may still fit whole.
#[must_use]
pub fn pack(pieces: &[Piece], counts: &[u32], budget: u32) -> Packed {
    let mut packed = Packed::default();
    let (mut left, mut missing) = (budget, Vec::new());
    let fits = counts.iter().map(|count| u64::from(*count)).sum::<u64>() <= u64::from(budget);
    for (piece, &count) in pieces.iter().zip(counts) {
        let number = packed.passages.len() as u32 + 1;
        let is_pointed_to = piece.score == 0.0;
        let most = if fits || is_pointed_to { left } else { left.min((budget as f32 * MOST_SHARE) as u32) };
        if count <= most {
            left -= count;
            packed.passages.push(Numbered { number, piece: piece.clone(), num_tokens: count, is_cut: false });
            continue;
        }
        let Some((cut, cost)) = cut(piece, count, most) else {
            missing.push(piece);
            continue;
        };
        left -= cost;
        packed.left_out.push(format!("`{}` was cut after line {}.", piece.path, cut.end_line() + 1));
        packed.passages.push(Numbered { number, piece: cut, num_tokens: cost, is_cut: true });
    }
    packed.left_out.extend(sentence(&missing));
    packed
}

/// The first lines of a piece that cost about `left` tokens of its `count`, with what they cost.
fn cut(piece: &Piece, count: u32, left: u32) -> Option<(Piece, u32)> {
    if left < LEAST_CUT {
        return None;
    }
    let allowed = piece.text.len() as u64 * u64::from(left) / u64::from(count.max(1));
    // Lines end where the next one begins; the last line makes it whole, which does not fit.
    let ends: Vec<usize> = piece.text.match_indices('\n').map(|(at, _)| at).collect();
    let num = ends.iter().take_while(|end| **end as u64 <= allowed).count();
    let end = *ends.get(num.checked_sub(1)?)?;
    if piece.text[..end].trim().is_empty() {
        return None;
    }
    let cost = (end as u64 * u64::from(count)).div_ceil(piece.text.len().max(1) as u64) as u32;
    Some((piece.first_lines(num), cost.min(left)))
}

fn sentence(missing: &[&Piece]) -> Option<String> {
    let (first, more) = missing.split_at(missing.len().min(NAMED));
    let mut places: Vec<String> = first.iter().map(|piece| piece.place()).collect();
    if !more.is_empty() {
        places.push(format!("{} more", more.len()));
    }
    let num = missing.len();
    let last = places.pop()?;
    let places = if places.is_empty() { last } else { format!("{} and {last}", places.join(", ")) };
    Some(format!("{num} {} did not fit: {places}.", if num == 1 { "passage" } else { "passages" }))
}

/// How many of the newest exchanges fit, given the tokens of each from the newest on, and a sentence for the others.
#[must_use]
pub fn pack_history(counts: &[u32], budget: u32) -> (usize, Option<String>) {
    let mut left = budget;
    let fitting = counts.iter().take_while(|count| {
        let fits = **count <= left;
        left = left.saturating_sub(**count);
        fits
    });
    let num = fitting.count();
    let sentence = match counts.len() - num {
        0 => None,
        1 => Some("1 earlier question of this conversation did not fit.".to_owned()),
        more => Some(format!("{more} earlier questions of this conversation did not fit.")),
    };
    (num, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(path: &str, start_line: u32, num_lines: u32) -> Piece {
        let lines: Vec<String> = (0..num_lines).map(|n| format!("let line = {};", start_line + n)).collect();
        Piece { path: path.into(), start_line, symbol: String::new(), text: lines.join("\n"), score: 1.0 }
    }

    #[test]
    fn what_does_not_fit_is_cut_at_a_line_or_left_out_and_told() {
        let mut pieces =
            [piece("a.rs", 0, 10), piece("big.rs", 100, 100), piece("c.rs", 0, 40), piece("d.rs", 4, 1)];
        pieces[1].score = 0.0;
        let packed = pack(&pieces, &[100, 1000, 400, 3], 325);
        let [a, big, d] = &packed.passages[..] else { panic!("{packed:?}") };
        assert_eq!((a.number, a.is_cut, big.number, big.is_cut), (1, false, 2, true));
        assert_eq!((d.number, d.piece.path.as_str()), (3, "d.rs"));
        let last = big.piece.end_line();
        assert!(big.piece.text.ends_with(&format!("let line = {last};")));
        let cut = format!("`big.rs` was cut after line {}.", last + 1);
        assert_eq!(packed.left_out, [cut, "1 passage did not fit: `c.rs` lines 1–40.".to_owned()]);
    }

    #[test]
    fn a_long_piece_leaves_room_for_others_unless_a_person_pointed_to_it() {
        let mut pieces = [piece("long.rs", 0, 100), piece("b.rs", 0, 10), piece("c.rs", 0, 10)];
        let counts = [900, 100, 100];
        let sent = |pieces: &[Piece], budget| -> Vec<(String, bool)> {
            pack(pieces, &counts, budget).passages.into_iter().map(|p| (p.piece.path, p.is_cut)).collect()
        };
        let whole = |path: &str| (path.to_owned(), false);
        assert_eq!(sent(&pieces, 500), [("long.rs".into(), true), whole("b.rs"), whole("c.rs")]);
        assert!(pack(&pieces, &counts, 500).passages[0].num_tokens <= 200);
        assert_eq!(sent(&pieces, 1100), [whole("long.rs"), whole("b.rs"), whole("c.rs")]);
        pieces[0].score = 0.0;
        assert_eq!(sent(&pieces, 1000), [whole("long.rs"), whole("b.rs")]);
    }

    #[test]
    fn many_that_do_not_fit_are_counted() {
        let pieces: Vec<Piece> = (0..5).map(|n| piece(&format!("{n}.rs"), 0, 1)).collect();
        let packed = pack(&pieces, &[9; 5], 8);
        assert_eq!(
            packed.left_out,
            ["5 passages did not fit: `0.rs` line 1, `1.rs` line 1, `2.rs` line 1 and 2 more."]
        );
    }

    #[test]
    fn the_newest_of_a_conversation_stays() {
        assert_eq!(
            pack_history(&[10, 20, 30], 30),
            (2, Some("1 earlier question of this conversation did not fit.".into()))
        );
        assert_eq!(pack_history(&[40, 1], 30).0, 0);
        assert_eq!(pack_history(&[], 0), (0, None));
    }

    #[test]
    fn overlapping_pieces_become_one() {
        let merged = merge(vec![
            piece("a", 5, 5),
            piece("b", 0, 2),
            piece("a", 8, 4),
            piece("a", 3, 3),
            piece("a", 6, 1),
        ]);
        assert_eq!(merged, [piece("a", 3, 9), piece("b", 0, 2)]);
        // The last one reaches both others.
        let merged = merge(vec![piece("a", 0, 6), piece("a", 10, 6), piece("a", 4, 8)]);
        assert_eq!(merged, [piece("a", 0, 16)]);
    }

    proptest! {
        #[test]
        fn what_is_sent_keeps_the_budget_stands_as_it_was_and_nothing_is_lost_in_silence(
            shape in proptest::collection::vec((0u32..50, 1u32..30, 1u32..400), 0..12),
            budget in 0u32..1500,
        ) {
            let pieces: Vec<Piece> =
                shape.iter().enumerate().map(|(n, (start, num, _))| piece(&format!("{n}.rs"), *start, *num)).collect();
            let counts: Vec<u32> = shape.iter().map(|(.., count)| *count).collect();
            let packed = pack(&pieces, &counts, budget);
            prop_assert!(packed.passages.iter().map(|p| p.num_tokens).sum::<u32>() <= budget);
            for (at, passage) in packed.passages.iter().enumerate() {
                prop_assert_eq!(passage.number as usize, at + 1);
                let whole = pieces.iter().find(|piece| piece.path == passage.piece.path).unwrap();
                prop_assert!(whole.text.starts_with(&passage.piece.text));
                let rest = &whole.text[passage.piece.text.len()..];
                prop_assert_eq!(rest.is_empty(), !passage.is_cut);
                prop_assert!(rest.is_empty() || rest.starts_with('\n'));
            }
            let whole = packed.passages.iter().filter(|p| !p.is_cut).count();
            prop_assert_eq!(whole == pieces.len(), packed.left_out.is_empty());
        }
    }
}
