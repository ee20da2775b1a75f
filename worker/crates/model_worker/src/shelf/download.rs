//! From an address to a kept file, with pauses, resumptions and new tries.

use protocol::{DownloadModel, Fault, FaultCode, LoadProgress, ModelFile};
use stdx::{Cancel, Clock as _, SystemClock};
use web::{Answer, Asked, Piece, ask};

use super::mark::{MAX_ADDRESS_BYTES, Mark, is_sha256, shown_name};
use super::plan::{Head, Next, Verdict, judge, missing_room, next, pause_ms};
use super::taker::Taker;

/// How often a wait looks whether it was cancelled.
const STEP_MS: u32 = 150;
/// Waiting steps without a byte until a connection counts as dead.
const MAX_SILENT_STEPS: u32 = 200;
/// Time between two events.
const EVENT_MS: f64 = 100.0;
/// Bytes between two turns of the event loop.
const TURN_BYTES: u64 = 1 << 20;

/// A checked wish.
#[derive(Debug)]
pub struct Wish {
    /// What the mark is to say.
    pub mark: Mark,
    /// The address for the browser.
    address: String,
    is_own_server: bool,
}

impl Wish {
    /// Check what was asked for.
    ///
    /// # Errors
    /// [`FaultCode::Invalid`] for what cannot be downloaded at all.
    pub fn new(request: &DownloadModel, origin: &str) -> Result<Self, Fault> {
        let invalid = |sentence: &str| Fault::new(FaultCode::Invalid, sentence);
        let address = request.address.trim();
        let is_plain = address.len() <= MAX_ADDRESS_BYTES && !address.chars().any(char::is_control);
        if address.is_empty() || !is_plain {
            return Err(invalid("This is no address of a model. Give one that ends in .gguf."));
        }
        let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        let (address, is_own_server) = match scheme.as_deref() {
            Some("http" | "https") => {
                let own = address.strip_prefix(origin).is_some_and(|rest| rest.starts_with('/'));
                (address.to_owned(), own && !origin.is_empty())
            }
            Some(scheme) if !scheme.contains(['/', '?', '#']) => {
                return Err(invalid("Models are downloaded from http and https addresses only."));
            }
            _ if address.starts_with("//") => (address.to_owned(), false),
            // Relative to the page's server and not to this worker's own file.
            _ => (format!("/{}", address.trim_start_matches('/')), true),
        };
        if !request.sha256.is_empty() && !is_sha256(&request.sha256) {
            return Err(invalid("The checksum of a model must be 64 lower-case hexadecimal digits."));
        }
        let name = shown_name(if request.name.is_empty() { &request.id } else { &request.name });
        let mark = Mark {
            name,
            address: address.clone(),
            bytes: request.bytes,
            sha256: request.sha256.clone(),
            ..Mark::default()
        };
        Ok(Self { mark, address, is_own_server })
    }
}

/// How a request ended without giving everything.
enum Trouble {
    /// It may pass.
    Passing(String),
    /// The part that was asked for is not to be had.
    AskWhole,
    /// The caller lost interest.
    Cancelled,
    /// It will not pass. True when nothing of the file shall be left.
    Final(Fault, bool),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        let is_worthless = fault.code == FaultCode::BadFile;
        Self::Final(fault, is_worthless)
    }
}

/// Download into `taker` until the file is whole. Cancelling pauses.
pub async fn download(
    wish: &Wish,
    mut taker: Taker,
    cancel: &Cancel,
    on_progress: &impl Fn(LoadProgress),
) -> Result<ModelFile, Fault> {
    let mut events = Events { clock: SystemClock::default(), last_ms: -EVENT_MS, tell: on_progress };
    let (mut tries, mut ask_whole) = (0, false);
    loop {
        let here = taker.len();
        let asked = if ask_whole { Next::Whole } else { next(&taker.mark, here, wish.is_own_server) };
        let trouble = match once(wish, &asked, &mut taker, cancel, &mut events).await {
            Ok(()) => return taker.finish(&wish.mark.sha256).await,
            Err(trouble) => trouble,
        };
        let why = match trouble {
            Trouble::AskWhole => {
                ask_whole = true;
                continue;
            }
            Trouble::Cancelled => {
                taker.pause().await;
                return Err(Fault::new(FaultCode::Cancelled, "The download is paused."));
            }
            Trouble::Final(fault, false) if taker.len() > 0 => {
                taker.pause().await;
                return Err(fault);
            }
            Trouble::Final(fault, _) => {
                taker.discard().await;
                return Err(fault);
            }
            Trouble::Passing(why) => why,
        };
        ask_whole = false;
        tries = if taker.len() > here { 1 } else { tries + 1 };
        // Another host that never gave a byte is most likely one that may not be asked at all.
        let hopeless = !wish.is_own_server && taker.len() == 0 && tries > 1;
        let Some(ms) = pause_ms(tries).filter(|_| !hopeless) else {
            let kept = taker.len() > 0;
            taker.pause().await;
            return Err(unreachable(wish, &why, kept));
        };
        events.tell("Waiting for the network", &taker, true);
        let mut waited = 0;
        while waited < ms && !cancel.is_cancelled() {
            web::sleep_ms(STEP_MS).await;
            waited += STEP_MS;
        }
    }
}

/// One request, taken in to its end.
async fn once(
    wish: &Wish,
    asked: &Next,
    taker: &mut Taker,
    cancel: &Cancel,
    events: &mut Events<'_, impl Fn(LoadProgress)>,
) -> Result<(), Trouble> {
    if *asked == Next::Nothing {
        return Ok(());
    }
    if cancel.is_cancelled() {
        return Err(Trouble::Cancelled);
    }
    events.tell("Downloading", taker, true);
    let mut headers = Vec::new();
    if let Next::From { at, if_range } = asked {
        headers.push(("Range", format!("bytes={at}-")));
        headers.extend(if_range.clone().map(|version| ("If-Range", version)));
    }
    let mut silent = 0;
    let request = Asked { address: wish.address.clone(), headers };
    let answer = ask(&request, STEP_MS, || {
        silent += 1;
        !cancel.is_cancelled() && silent < MAX_SILENT_STEPS
    });
    let answer = match answer.await {
        Ok(Some(answer)) => answer,
        Ok(None) if cancel.is_cancelled() => return Err(Trouble::Cancelled),
        Ok(None) => return Err(Trouble::Passing("it does not answer".into())),
        Err(err) => return Err(Trouble::Passing(err.to_string())),
    };
    begin(wish, asked, taker, &answer).await?;
    take(taker, answer, cancel, events).await
}

/// Decide by the head of an answer what becomes of the bytes that are here.
async fn begin(wish: &Wish, asked: &Next, taker: &mut Taker, answer: &Answer) -> Result<(), Trouble> {
    let head = head_of(answer);
    let address = &wish.address;
    let fault = |code, sentence: String| Fault::new(code, sentence);
    match judge(asked, &taker.mark, wish.mark.bytes, &head) {
        Verdict::Append(total) => taker.mark.bytes = total,
        Verdict::StartOver(total) => {
            taker.start_over(if total == 0 { wish.mark.bytes } else { total })?;
            taker.mark.sha256.clone_from(&wish.mark.sha256);
            (taker.mark.etag, taker.mark.last_modified) = (head.etag, head.last_modified);
        }
        Verdict::AskWhole => return Err(Trouble::AskWhole),
        Verdict::Again => return Err(Trouble::Passing(format!("the server answers {}", head.status))),
        Verdict::NoFile => {
            let rest = if taker.len() > 0 { " What came of it is kept." } else { "" };
            let sentence =
                format!("There is no model at {address} (the server answers {}).{rest}", head.status);
            return Err(Trouble::Final(fault(FaultCode::NotFound, sentence), false));
        }
        Verdict::Refused => {
            let sentence = format!("The server does not give {address} (it answers {}).", head.status);
            return Err(Trouble::Final(fault(FaultCode::Network, sentence), false));
        }
        Verdict::OtherLength(total) => {
            // It may be a page that a portal puts in front of everything: what came before is not its fault.
            let nothing = taker.len() == 0;
            let rest = if nothing { "Nothing was kept." } else { "What came of it before is kept." };
            let sentence = format!(
                "{address} is not the file that was announced: it has {total} bytes instead of {}. {rest}",
                wish.mark.bytes
            );
            return Err(Trouble::Final(fault(FaultCode::BadFile, sentence), nothing));
        }
    }
    taker.update_mark().await?;
    room_for(taker.mark.bytes.saturating_sub(taker.len())).await?;
    Ok(())
}

async fn take(
    taker: &mut Taker,
    mut answer: Answer,
    cancel: &Cancel,
    events: &mut Events<'_, impl Fn(LoadProgress)>,
) -> Result<(), Trouble> {
    let (mut silent, mut since_turn) = (0, 0);
    loop {
        if cancel.is_cancelled() {
            return Err(Trouble::Cancelled);
        }
        match answer.next(STEP_MS).await {
            Ok(Piece::Bytes(bytes)) => {
                silent = 0;
                taker.put(&bytes).await?;
                events.tell("Downloading", taker, false);
                since_turn += bytes.len() as u64;
                if since_turn >= TURN_BYTES {
                    since_turn = 0;
                    web::turn().await;
                }
            }
            Ok(Piece::NotYet) => {
                silent += 1;
                if silent >= MAX_SILENT_STEPS {
                    return Err(Trouble::Passing("no more bytes came".into()));
                }
            }
            Ok(Piece::End) if taker.len() < taker.mark.bytes => {
                return Err(Trouble::Passing("the answer ended early".into()));
            }
            Ok(Piece::End) => return Ok(()),
            Err(err) => return Err(Trouble::Passing(err.to_string())),
        }
    }
}

fn head_of(answer: &Answer) -> Head {
    Head {
        status: answer.status(),
        content_length: answer.header("content-length").and_then(|n| n.trim().parse().ok()),
        content_range: answer.header("content-range"),
        is_packed: answer.header("content-encoding").is_some_and(|how| how != "identity"),
        etag: answer.header("etag").unwrap_or_default(),
        last_modified: answer.header("last-modified").unwrap_or_default(),
    }
}

/// Is there room for so many bytes more?
///
/// # Errors
/// [`FaultCode::Quota`] with what is missing.
pub async fn room_for(more: u64) -> Result<(), Fault> {
    // A browser that does not tell is asked by writing.
    let Some((used, allowed)) = web::quota().await else { return Ok(()) };
    let Some(missing) = missing_room(more, used, allowed) else { return Ok(()) };
    let sentence = format!(
        "The model needs {} more, and the browser's storage for Alcove lacks {} of it. Delete a model or a workspace \
         that you no longer need, or free some disk space.",
        shown_bytes(more),
        shown_bytes(missing)
    );
    Err(Fault::new(FaultCode::Quota, sentence))
}

/// Bytes for a sentence.
fn shown_bytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn unreachable(wish: &Wish, why: &str, kept: bool) -> Fault {
    let rest = if kept { " What came is kept; go on when you like." } else { "" };
    let hint = if wish.is_own_server {
        "Check the network and that the server is running."
    } else {
        "Check the network. If that is there, the browser may not ask this host: Alcove's server has to allow it \
         (its option --model-host), and the host has to permit it."
    };
    let sentence = format!("{} could not be downloaded: {why}. {hint}{rest}", wish.address);
    Fault::new(FaultCode::Network, sentence).retry_after_ms(5000)
}

/// Tells how far it is, not too often.
struct Events<'a, F> {
    clock: SystemClock,
    last_ms: f64,
    tell: &'a F,
}

impl<F: Fn(LoadProgress)> Events<'_, F> {
    fn tell(&mut self, stage: &str, taker: &Taker, at_once: bool) {
        let now_ms = self.clock.monotonic_ms();
        if at_once || now_ms - self.last_ms >= EVENT_MS {
            self.last_ms = now_ms;
            let (done_bytes, total_bytes) = (taker.len(), taker.mark.bytes);
            (self.tell)(LoadProgress { stage: stage.to_owned(), done_bytes, total_bytes });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wish(address: &str, sha256: &str) -> Result<Wish, Fault> {
        let request = DownloadModel {
            id: "a".into(),
            name: String::new(),
            address: address.into(),
            bytes: 0,
            sha256: sha256.into(),
        };
        Wish::new(&request, "https://alcove.example")
    }

    #[test]
    fn addresses_are_of_this_server_or_of_another_one_by_its_name() {
        let cases = [
            ("/models/a.gguf", "/models/a.gguf", true),
            ("models/a.gguf", "/models/a.gguf", true),
            (" a.gguf ", "/a.gguf", true),
            ("a.gguf?at=10:30", "/a.gguf?at=10:30", true),
            ("https://alcove.example/a.gguf", "https://alcove.example/a.gguf", true),
            ("https://alcove.example.org/a.gguf", "https://alcove.example.org/a.gguf", false),
            ("HTTPS://other.example/a.gguf", "HTTPS://other.example/a.gguf", false),
            ("//other.example/a.gguf", "//other.example/a.gguf", false),
        ];
        for (address, resolved, own) in cases {
            let wish = wish(address, "").unwrap();
            assert_eq!((wish.address.as_str(), wish.is_own_server), (resolved, own), "{address}");
            assert_eq!(wish.mark.name, "a");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_a_sentence() {
        let long = format!("/{}", "a".repeat(5000));
        for address in ["", "  ", "data:,GGUF", "blob:https://x/1", "file:///etc/passwd", "/a\n.gguf", &long]
        {
            let fault = wish(address, "").unwrap_err();
            assert_eq!(fault.code, FaultCode::Invalid, "{address}");
            assert!(fault.sentence.ends_with('.'), "{fault}");
        }
        assert!(wish("/a.gguf", &"0f".repeat(32)).is_ok());
        assert_eq!(wish("/a.gguf", "0F").unwrap_err().code, FaultCode::Invalid);
    }
}
