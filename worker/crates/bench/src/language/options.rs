//! Options of the programs for language models: words with a value each.

use rustc_hash::FxHashMap;

/// What stands on the command line.
#[derive(Debug, Default)]
pub struct Options {
    values: FxHashMap<String, Vec<String>>,
}

impl Options {
    /// Read the command line; `known` are the names that have a meaning.
    ///
    /// # Errors
    /// A sentence that says what is unknown or without a value.
    pub fn read(known: &[&str]) -> Result<Self, String> {
        Self::parse(std::env::args().skip(1), known)
    }

    fn parse(mut given: impl Iterator<Item = String>, known: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(word) = given.next() {
            if !known.contains(&word.as_str()) {
                return Err(format!("There is no option {word}; there are {}.", known.join(", ")));
            }
            let value = given.next().ok_or(format!("{word} needs a value."))?;
            options.values.entry(word).or_default().push(value);
        }
        Ok(options)
    }

    /// The last value of an option.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// All values of an option, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.get(name).into_iter().flatten().map(String::as_str)
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// A sentence when it is not.
    pub fn need(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or(format!("{name} is missing; the head of the program's source says what it is."))
    }

    /// A whole number.
    ///
    /// # Errors
    /// A sentence when something else stands there.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, String> {
        self.get(name).map_or(Ok(default), |value| {
            value.parse().map_err(|_| format!("{name} {value} is no whole number."))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn words_have_values() {
        let parse = |line: &str| {
            Options::parse(line.split_whitespace().map(str::to_owned), &["--model", "--num", "--tree"])
        };
        let options = parse("--model a --num 3 --tree x --tree y").unwrap();
        assert_eq!((options.get("--model"), options.number("--num", 1)), (Some("a"), Ok(3)));
        assert_eq!(options.all("--tree").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(options.number("--tree", 1), Err("--tree y is no whole number.".to_owned()));
        assert!(options.need("--out").unwrap_err().contains("--out"));
        assert!(parse("--nothing 1").unwrap_err().contains("--nothing"));
        assert!(parse("--model").unwrap_err().contains("--model"));
    }
}
