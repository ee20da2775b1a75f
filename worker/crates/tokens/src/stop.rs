//! Ends a stream of text at the first of some strings, and gives out nothing that may be the beginning of one.

/// What came of a piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Text that may be given out now.
    pub text: String,
    /// The stop string that ended the stream, by its place in the list. Nothing follows.
    pub stop: Option<usize>,
}

/// Looks for stop strings in a stream. The one that is complete first ends it; of several that are complete at the same
/// place the longest. How the stream is cut into pieces makes no difference.
#[derive(Clone, Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string.
    held: String,
    stopped: Option<usize>,
}

impl StopMatcher {
    /// Stop at these; an empty string stops nothing.
    #[must_use]
    pub fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new(), stopped: None }
    }

    /// Take the next piece of the stream.
    pub fn push(&mut self, text: &str) -> Stopped {
        if self.stopped.is_some() {
            return Stopped { text: String::new(), stop: self.stopped };
        }
        let mut all = std::mem::take(&mut self.held);
        all.push_str(text);
        let found = self.stops.iter().enumerate().filter(|(_, stop)| !stop.is_empty());
        let found = found.filter_map(|(i, stop)| all.find(stop).map(|at| (at + stop.len(), at, i)));
        if let Some((_, at, i)) = found.min() {
            self.stopped = Some(i);
            all.truncate(at);
        } else {
            let longest = self.stops.iter().map(|stop| beginning(&all, stop)).max().unwrap_or(0);
            self.held = all.split_off(all.len() - longest);
        }
        Stopped { text: all, stop: self.stopped }
    }

    /// The stream ended by itself: what was held back is text after all.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length of the longest end of `text` that `stop` begins with and does not end with.
fn beginning(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len().saturating_sub(1));
    let fits =
        |len: &usize| text.as_bytes().ends_with(&stop.as_bytes()[..*len]) && stop.is_char_boundary(*len);
    (1..=longest).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_become_a_stop_is_held_back() {
        let mut matcher = StopMatcher::new(vec!["\n\n".into(), "</end>".into()]);
        let mut push = |text| (matcher.push(text).text, matcher.stopped);
        assert_eq!(push("a\n"), ("a".into(), None));
        assert_eq!(push("b</e"), ("\nb".into(), None));
        assert_eq!(push("x</end"), ("</ex".into(), None));
        assert_eq!(push("> more"), (String::new(), Some(1)));
        assert_eq!(push("more"), (String::new(), Some(1)));
        assert_eq!(matcher.finish(), "");
        let mut matcher = StopMatcher::new(vec!["ab".into()]);
        assert_eq!(matcher.push("xa").text + &matcher.finish(), "xa");
    }

    /// Character by character: the first place at which a stop string is complete.
    fn plainly(text: &str, stops: &[String]) -> (String, Option<usize>) {
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            let complete = |(_, stop): &(usize, &String)| !stop.is_empty() && text[..end].ends_with(*stop);
            let longest =
                stops.iter().enumerate().filter(complete).max_by_key(|(i, s)| (s.len(), usize::MAX - i));
            if let Some((i, stop)) = longest {
                return (text[..end - stop.len()].to_owned(), Some(i));
            }
        }
        (text.to_owned(), None)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_stream_ends_where_its_text_would(
            pieces in proptest::collection::vec("[abé]{0,4}", 0..12),
            stops in proptest::collection::vec("[abé]{0,4}", 0..4),
        ) {
            let mut matcher = StopMatcher::new(stops.clone());
            let (mut out, mut stop) = (String::new(), None);
            for piece in &pieces {
                let step = matcher.push(piece);
                prop_assert!(step.text.is_empty() || stop.is_none(), "text after the end");
                out.push_str(&step.text);
                stop = step.stop;
                let longest = stops.iter().map(String::len).max().unwrap_or(0);
                prop_assert!(matcher.held.len() < longest.max(1), "more held back than can be a beginning");
            }
            out.push_str(&matcher.finish());
            prop_assert_eq!((out, stop), plainly(&pieces.concat(), &stops));
        }
    }
}
