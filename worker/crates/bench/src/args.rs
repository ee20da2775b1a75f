//! What the programs of this crate are told on their command lines.

use std::path::PathBuf;

use rustc_hash::FxHashMap;

/// Options that every program knows, and others by name.
#[derive(Debug, Default)]
pub struct Args {
    /// Folder of the evaluation set.
    pub set: PathBuf,
    /// `--model`: folder with `model.safetensors` and `tokenizer.json`.
    pub model: PathBuf,
    /// `--int8`: the prepared int8 model.
    pub int8: PathBuf,
    /// `--cache`: folder for vectors.
    pub cache: PathBuf,
    /// `--threads`: at most this many embed at once; all cores unless given.
    pub threads: usize,
    others: FxHashMap<String, PathBuf>,
}

impl Args {
    /// Read the command line; `others` are the names of more options, each with a value.
    ///
    /// # Errors
    /// A sentence that says what is missing or unknown.
    pub fn read(others: &[&str]) -> Result<Self, String> {
        Self::parse(std::env::args().skip(1), others)
    }

    fn parse(mut given: impl Iterator<Item = String>, others: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut args = Self { threads, ..Self::default() };
        while let Some(arg) = given.next() {
            if !arg.starts_with("--") {
                args.set = arg.into();
                continue;
            }
            let value = given.next().ok_or(format!("{arg} needs a value."))?;
            match arg.as_str() {
                "--model" => args.model = value.into(),
                "--int8" => args.int8 = value.into(),
                "--cache" => args.cache = value.into(),
                "--threads" => {
                    args.threads = value.parse().map_err(|_| format!("--threads {value} is no number."))?;
                }
                _ if others.contains(&arg.as_str()) => drop(args.others.insert(arg, value.into())),
                _ => return Err(format!("There is no option {arg}.")),
            }
        }
        let needed = [
            ("SET_DIR", &args.set),
            ("--model", &args.model),
            ("--int8", &args.int8),
            ("--cache", &args.cache),
        ];
        if let Some((name, _)) = needed.iter().find(|(_, path)| path.as_os_str().is_empty()) {
            return Err(format!("{name} is missing; the head of the program's source says what it is."));
        }
        Ok(args)
    }

    /// The value of another option.
    #[must_use]
    pub fn other(&self, name: &str) -> Option<&PathBuf> {
        self.others.get(name)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned), &["--json"])
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let whole = "set --model m --int8 i --cache c";
        let args = parse(&format!("{whole} --json j --threads 3")).unwrap();
        assert_eq!((args.set.to_str(), args.threads), (Some("set"), 3));
        assert_eq!(args.other("--json").unwrap().to_str(), Some("j"));
        assert!(args.other("--out").is_none());
        for (line, named) in [
            ("--model m --int8 i --cache c".to_owned(), "SET_DIR"),
            ("set --model m --cache c".to_owned(), "--int8"),
            (format!("{whole} --nonsense 1"), "--nonsense"),
            (format!("{whole} --json"), "--json"),
            (format!("{whole} --threads many"), "--threads"),
        ] {
            assert!(parse(&line).unwrap_err().contains(named), "{line}");
        }
    }
}
