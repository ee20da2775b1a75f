//! What a template may use up. A template comes with a model and is a program: fuel ends loops, but one step may double
//! a text, so every value that a step makes is weighed, and the sum has a limit. That bounds memory and time at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

/// Values nested deeper than this are refused; conversations are lists of maps of texts.
const MAX_DEPTH: usize = 24;
/// What the smallest value weighs, in bytes.
pub(super) const LEAST: u64 = 16;

/// Shared by everything that a template can call.
#[derive(Debug)]
pub(super) struct Meter {
    left: AtomicU64,
    /// What the template itself said against the conversation.
    raised: Mutex<Option<String>>,
    namespaces: AtomicU64,
}

impl Meter {
    /// With this many bytes to make values of.
    pub(super) fn new(budget_bytes: u64) -> Self {
        Self { left: AtomicU64::new(budget_bytes), raised: Mutex::new(None), namespaces: AtomicU64::new(0) }
    }

    /// Take away `bytes`.
    pub(super) fn charge(&self, bytes: u64) -> Result<(), Error> {
        let taken =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(|_| ()).map_err(|_| {
            self.left.store(0, Ordering::Relaxed);
            Error::new(ErrorKind::InvalidOperation, "the values that it makes are too large")
        })
    }

    /// Whether the budget was used up.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// Charge for all that `values` hold.
    pub(super) fn weigh(&self, values: &[Value]) -> Result<(), Error> {
        values.iter().try_for_each(|value| self.weigh_one(value, 0))
    }

    fn weigh_one(&self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new(ErrorKind::InvalidOperation, "its values are nested too deeply"));
        }
        let text = value.as_str().map_or(0, str::len);
        self.charge(LEAST + text as u64)?;
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                for item in value.try_iter()? {
                    self.weigh_one(&item, depth + 1)?;
                }
            }
            ValueKind::Map => {
                for key in value.try_iter()? {
                    self.weigh_one(&value.get_item(&key)?, depth + 1)?;
                    self.weigh_one(&key, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Namespaces are the one kind of value that can be changed. What is put into one is weighed and plain; this bounds
    /// how many there are.
    pub(super) fn count_namespace(&self) -> Result<(), Error> {
        if self.namespaces.fetch_add(1, Ordering::Relaxed) < 256 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidOperation, "it makes too many namespaces"))
    }

    /// Keep what the template says against the conversation, and end it.
    pub(super) fn raise(&self, why: &str) -> Error {
        let why: String = why.chars().take(300).collect();
        if let Ok(mut raised) = self.raised.lock() {
            *raised = Some(why.clone());
        }
        Error::new(ErrorKind::InvalidOperation, why)
    }

    /// What the template said.
    pub(super) fn raised(&self) -> Option<String> {
        self.raised.lock().ok().and_then(|raised| raised.clone())
    }
}
