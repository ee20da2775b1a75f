//! A model file in the engine, as the model worker has it, without its messages and scheduling.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use infer::{Generate, GenerateError, Sampler, Sampling};
use models::gguf::{GgufError, Header, Parsed};
use models::llm::{Language, LanguageError, LoadLlmError, Loader, Network, Session};
use tokens::{Marks, StopMatcher, TokenError, Utf8Stream};

/// Why a model cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum ModelErr {
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Read(String, std::io::Error),
    /// Not a model that the engine knows.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// It ends early.
    #[error("the file ends within its header")]
    Short,
    /// Its weights cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadLlmError),
    /// Its vocabulary is refused.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// A text is refused.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// It could not go on.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// The plain reference lacks something that this file needs.
    #[error("the plain float32 reference does not compute {0}")]
    NotInReference(&'static str),
}

/// The whole header of a file.
///
/// # Errors
/// When it is none, or is cut short.
pub fn header(file: &[u8]) -> Result<Header, ModelErr> {
    match Header::parse(file, Some(file.len() as u64))? {
        Parsed::Whole(header) => Ok(header),
        Parsed::NeedMore { .. } => Err(ModelErr::Short),
    }
}

/// Read a whole file.
///
/// # Errors
/// When that fails.
pub fn read(path: &Path) -> Result<Vec<u8>, ModelErr> {
    fs::read(path).map_err(|err| ModelErr::Read(path.display().to_string(), err))
}

/// Poll something that never waits for anybody else.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return out;
        }
    }
}

/// Time of this thread on the processor where the system tells it, so that other programs do not count; else that of a
/// clock.
#[must_use]
pub fn busy() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(), Duration::from_nanos)
}

/// How a text came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// What was written, without what ended it.
    pub text: String,
    /// Tokens of the prompt.
    pub num_prompt: usize,
    /// Tokens written, the one that ended the text among them.
    pub num_new: usize,
}

/// A network with its tokenizer.
#[derive(Debug)]
pub struct LanguageModel {
    /// The weights.
    pub network: Arc<Network>,
    /// Text to tokens and back, and which tokens end a text.
    pub language: Language,
}

impl LanguageModel {
    /// Read a file of any supported kind.
    ///
    /// # Errors
    /// See [`ModelErr`].
    pub fn load(path: &Path) -> Result<Self, ModelErr> {
        Self::of(&read(path)?)
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// See [`ModelErr`].
    pub fn of(file: &[u8]) -> Result<Self, ModelErr> {
        let header = header(file)?;
        let mut loader = Loader::new(&header)?;
        loader.feed(file.get(loader.at() as usize..).unwrap_or_default())?;
        let network = Arc::new(loader.finish()?);
        Ok(Self { network, language: Language::read(&header)? })
    }

    /// Ids of a prompt in which marks are meant.
    ///
    /// # Errors
    /// When the text is too long.
    pub fn ids(&self, prompt: &str) -> Result<Vec<u32>, ModelErr> {
        let mut ids: Vec<u32> = self.language.bos.into_iter().collect();
        ids.extend(self.language.bpe.encode(prompt, Marks::Parse, usize::MAX)?);
        Ok(ids)
    }

    /// Go on from these tokens, until a stop string, an end of the model, or `max_new` tokens.
    ///
    /// # Errors
    /// When the text is longer than the model can see, and others of [`GenerateError`].
    pub fn write(
        &self,
        session: &mut Session,
        ids: &[u32],
        max_new: usize,
        stops: &[String],
        sampling: Sampling,
    ) -> Result<Written, ModelErr> {
        let mut sampler = Sampler::new(sampling);
        let (mut stream, mut matcher) = (Utf8Stream::default(), StopMatcher::new(stops.to_vec()));
        let mut out = Written { num_prompt: ids.len(), ..Written::default() };
        let mut all = ids.to_vec();
        let mut stopped = None;
        while out.num_new < max_new && stopped.is_none() {
            let token = ready(session.next(&all, &mut sampler, &()))?;
            out.num_new += 1;
            if self.language.ends.contains(&token) {
                break;
            }
            all.push(token);
            let mut text = String::new();
            stream.push(self.language.bpe.token_bytes(token), &mut text);
            let piece = matcher.push(&text);
            out.text.push_str(&piece.text);
            stopped = piece.stop;
        }
        if stopped.is_none() {
            let mut text = String::new();
            stream.finish(&mut text);
            out.text.push_str(&matcher.push(&text).text);
            out.text.push_str(&matcher.finish());
        }
        Ok(out)
    }

    /// The `num` likeliest tokens after a text, with their logits, likeliest first.
    ///
    /// # Errors
    /// See [`GenerateError`].
    pub fn likeliest(
        &self,
        session: &mut Session,
        ids: &[u32],
        num: usize,
    ) -> Result<Vec<(u32, f32)>, ModelErr> {
        let logits = ready(session.logits(ids, &()))?;
        let mut all: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
        all.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(num);
        Ok(all)
    }
}

/// The place of the largest number, the first of equals.
#[must_use]
pub fn argmax(numbers: &[f32]) -> usize {
    let mut best = 0;
    for (i, x) in numbers.iter().enumerate() {
        if *x > numbers.get(best).copied().unwrap_or(f32::NEG_INFINITY) {
            best = i;
        }
    }
    best
}
