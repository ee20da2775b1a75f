//! Bytes that arrive in parts, as text: tokens end in the middle of characters.

/// Holds back the bytes of a character until it is whole. Bytes that are no UTF-8 become U+FFFD, in the way of
/// [`String::from_utf8_lossy`]: how the bytes are cut makes no difference.
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    /// The beginning of a character: at most three bytes.
    held: Vec<u8>,
}

impl Utf8Stream {
    /// Append to `out` what is certain after these bytes.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        if self.held.is_empty()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            out.push_str(text);
            return;
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    out.push_str(text);
                    return;
                }
                Err(err) => {
                    let (valid, broken) = rest.split_at(err.valid_up_to());
                    out.push_str(&String::from_utf8_lossy(valid));
                    let Some(len) = err.error_len() else {
                        self.held = broken.to_vec();
                        return;
                    };
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = &broken[len..];
                }
            }
        }
    }

    /// End: a character that never became whole is U+FFFD.
    pub fn finish(&mut self, out: &mut String) {
        if !self.held.is_empty() {
            self.held.clear();
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that are often nearly UTF-8.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            any::<char>().prop_map(|c| c.to_string().into_bytes()),
            any::<(char, usize)>().prop_map(|(c, at)| {
                let bytes = c.to_string().into_bytes();
                bytes[..at % bytes.len()].to_vec()
            }),
            any::<u8>().prop_map(|byte| vec![byte]),
        ];
        proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(bytes in bytes(), cuts in proptest::collection::vec(0..5_usize, 1..40)) {
            let (mut stream, mut out) = (Utf8Stream::default(), String::new());
            let (mut rest, mut given) = (bytes.as_slice(), 0);
            for len in cuts.iter().cycle().take(4 * cuts.len() + 4 * bytes.len()) {
                let (part, more) = rest.split_at((*len).min(rest.len()));
                stream.push(part, &mut out);
                (rest, given) = (more, given + part.len());
                // No more than the beginning of one character is held back.
                let sure = String::from_utf8_lossy(&bytes[..given.saturating_sub(3)]);
                prop_assert!(out.len() + 3 >= sure.len());
            }
            stream.push(rest, &mut out);
            stream.finish(&mut out);
            prop_assert_eq!(out, String::from_utf8_lossy(&bytes));
        }
    }
}
