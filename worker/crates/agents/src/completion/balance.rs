//! Whether the brackets and strings of a text come out even where it is to stand.

use super::place::{Place, line_around};
use super::scan::{Mode, Scanner};

/// So much of what stands behind is looked at for partners.
const MAX_BEHIND: usize = 64 << 10;

/// What surrounds a place.
pub(super) struct Around<'a> {
    /// At the caret, with nothing open.
    here: Scanner,
    /// Brackets that are open and that nothing behind closes, innermost first.
    may_close: Vec<u8>,
    /// Closing brackets on the rest of the line that nothing before opens.
    num_surplus: usize,
    /// The rest of the line alone.
    rest_alone: Scanner,
    rest: &'a str,
}

/// How far a text is even.
pub(super) struct Even {
    /// A bracket here closes what it must not.
    pub bad_at: Option<usize>,
    /// Ends of lines at which everything that the text opened is closed.
    pub ends: Vec<usize>,
}

impl<'a> Around<'a> {
    pub(super) fn new(place: &Place, before: &str, behind: &'a str) -> Self {
        let mut scanner = Scanner::new(place.signs);
        scanner.feed(before);
        let here = scanner.fresh();
        let rest = line_around(before, behind).1;
        let mut rest_alone = here.clone();
        rest_alone.feed(rest);

        let open = scanner.open;
        let mut after = here.clone();
        let window = &behind[..behind.floor_char_boundary(behind.len().min(MAX_BEHIND))];
        after.feed_until(window, |after| after.lone.len() > open.len());
        // Closing brackets belong to the innermost one of their kind; one that stands at the beginning of a line
        // closes nothing that is indented deeper.
        let mut innermost = open.len();
        let (mut may_close, mut num_surplus) = (None, 0);
        for closing in &after.lone {
            let closes = |open: &super::scan::Bracket| {
                open.kind == closing.kind && !(closing.is_first && closing.indent < open.indent)
            };
            match open[..innermost].iter().rposition(closes) {
                Some(partner) => {
                    may_close.get_or_insert_with(|| open[partner + 1..].to_vec());
                    innermost = partner;
                }
                None if closing.at < rest.len() => num_surplus += 1,
                None => {}
            }
        }
        let may_close = may_close.unwrap_or(open).iter().rev().map(|bracket| bracket.kind).collect();
        Self { here, may_close, num_surplus, rest_alone, rest }
    }

    /// Read `text` as if it stood here; gives how many brackets of what surrounds it were closed, or where one was
    /// that must not be.
    fn read(&self, scanner: &mut Scanner, text: &str, closed: &mut usize) -> Result<(), usize> {
        let mut bad_at = None;
        scanner.feed_until(text, |scanner| {
            let Some(last) = scanner.lone.get(*closed) else { return false };
            if scanner.open.is_empty() && self.may_close.get(*closed) == Some(&last.kind) {
                *closed += 1;
                return false;
            }
            bad_at = Some(last.at);
            true
        });
        bad_at.map_or(Ok(()), Err)
    }

    /// How far a text is even.
    pub(super) fn even(&self, text: &str) -> Even {
        let (mut scanner, mut closed, mut at) = (self.here.clone(), 0, 0);
        let mut ends = Vec::new();
        for line in text.split_inclusive('\n') {
            if let Err(bad_at) = self.read(&mut scanner, line, &mut closed) {
                return Even { bad_at: Some(bad_at), ends };
            }
            at += line.len();
            let is_code = matches!(scanner.mode, Mode::Code | Mode::LineComment);
            if scanner.open.is_empty() && (is_code || scanner.mode == self.here.mode) {
                ends.push(at - usize::from(line.ends_with('\n')));
            }
        }
        Even { bad_at: None, ends }
    }

    /// Whether a text and the rest of the line make an even whole.
    pub(super) fn ends_well(&self, text: &str) -> bool {
        let (mut scanner, mut closed) = (self.here.clone(), 0);
        if self.read(&mut scanner, text, &mut closed).is_err() {
            return false;
        }
        scanner.feed(self.rest);
        let alone = &self.rest_alone;
        let broken = |mode: Mode| matches!(mode, Mode::Quote(_) | Mode::Long(_) | Mode::Comment(_));
        if broken(scanner.mode) && !broken(alone.mode) {
            return false;
        }
        // What the text opened, only what had no partner may close.
        let consumed = (alone.lone.len() + closed).checked_sub(scanner.lone.len());
        scanner.open.len() == alone.open.len() && consumed.is_some_and(|num| num <= self.num_surplus)
    }
}
