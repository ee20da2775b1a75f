//! Takes the bytes of a file in, checks them, and keeps them: the one writer of a file on its way.

use protocol::{Fault, FaultCode, ModelFile};
use stdx::Cancel;
use web::{KeptError, KeptHold, PartFile, remove_kept, write_mark};

use super::intake::Intake;
use super::mark::Mark;

/// Bytes that are collected before they are written, and read at a time.
const WRITE_BYTES: usize = 1 << 20;
/// Bytes after which what is written is put on the disk for good.
const FLUSH_BYTES: u64 = 64 << 20;

/// A file on its way. Nothing of it is in storage until its header is whole and sound.
#[derive(Debug)]
pub struct Taker {
    id: String,
    hold: KeptHold,
    /// What is known of it; written beside the file when its first bytes are.
    pub mark: Mark,
    part: Option<PartFile>,
    intake: Intake,
    /// Checked bytes that are not written yet.
    buffer: Vec<u8>,
    written: u64,
    flushed: u64,
}

impl Taker {
    /// Begin a file.
    pub fn new(id: &str, hold: KeptHold, mark: Mark) -> Self {
        let intake = Intake::new(mark.bytes);
        let id = id.to_owned();
        Self { id, hold, mark, part: None, intake, buffer: Vec::new(), written: 0, flushed: 0 }
    }

    /// Go on with what came earlier: read it again for the checksum, telling `on_bytes` how far that is. What turns out
    /// to be no start of a model is dropped, and the file begins anew.
    ///
    /// # Errors
    /// Storage that fails.
    pub async fn resume(
        id: &str,
        hold: KeptHold,
        mark: Mark,
        cancel: &Cancel,
        mut on_bytes: impl FnMut(u64),
    ) -> Result<Self, Fault> {
        let mut taker = Self::new(id, hold, mark);
        let part = PartFile::open(id, &taker.hold).await.map_err(|err| storage(&err))?;
        let mut buffer = vec![0; WRITE_BYTES];
        let is_sound = loop {
            let at = taker.intake.len();
            let read = part.read(at, &mut buffer).map_err(|err| storage(&err))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break taker.intake.is_sound();
            };
            if taker.intake.push(bytes).is_err() {
                break false;
            }
            on_bytes(taker.intake.len());
            web::turn().await;
            if cancel.is_cancelled() {
                return Err(Fault::new(FaultCode::Cancelled, "The download is paused."));
            }
        };
        taker.written = taker.intake.len();
        taker.flushed = taker.written;
        taker.part = Some(part);
        if !is_sound {
            taker.start_over(taker.mark.bytes)?;
        }
        Ok(taker)
    }

    /// Bytes that are here.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.intake.len()
    }

    /// Forget all bytes: the file comes from its beginning again, with this length, 0 when unknown.
    ///
    /// # Errors
    /// Storage that fails.
    pub fn start_over(&mut self, bytes: u64) -> Result<(), Fault> {
        self.intake = Intake::new(bytes);
        self.mark.bytes = bytes;
        self.buffer.clear();
        (self.written, self.flushed) = (0, 0);
        match &self.part {
            Some(part) => part.truncate(0).map_err(|err| storage(&err)),
            None => Ok(()),
        }
    }

    /// Take the next bytes.
    ///
    /// # Errors
    /// [`FaultCode::BadFile`] for what is no model: give it up with [`Taker::discard`]. Otherwise storage that fails:
    /// what is written stays.
    pub async fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let was_sound = self.intake.is_sound();
        let held = self.intake.push(bytes).map_err(|why| self.refuse(&why))?;
        match held {
            Some(held) => self.buffer = held,
            None if was_sound => self.buffer.extend_from_slice(bytes),
            None => return Ok(()),
        }
        if self.buffer.len() >= WRITE_BYTES { self.write().await } else { Ok(()) }
    }

    /// Stop here; what came stays for the next time.
    pub async fn pause(mut self) {
        if self.intake.is_sound() && self.write().await.is_ok() {
            let _written_all_the_same = self.part.as_ref().map(PartFile::flush);
        }
    }

    /// Every byte came: check the file against `sha256`, unless that is empty, and keep it.
    ///
    /// # Errors
    /// [`FaultCode::BadFile`] when it is not the file that it should be; nothing of it is left then.
    pub async fn finish(mut self, sha256: &str) -> Result<ModelFile, Fault> {
        let refused = match self.intake.end() {
            Ok(Some(held)) => {
                self.buffer = held;
                None
            }
            Ok(None) => None,
            Err(why) => Some(why),
        };
        let actual = self.intake.sha256();
        let refused = refused.or_else(|| {
            let differs = !sha256.is_empty() && sha256 != actual;
            differs.then(|| "it is not the file that was announced, since its checksum differs".to_owned())
        });
        if let Some(why) = refused {
            let fault = self.refuse(&why);
            self.discard().await;
            return Err(fault);
        }
        self.write().await?;
        self.mark.bytes = self.intake.len();
        self.mark.sha256 = actual;
        write_mark(&self.id, &self.mark.to_json(), &self.hold).await.map_err(|err| storage(&err))?;
        let Some(part) = self.part.take() else {
            return Err(Fault::new(FaultCode::Internal, "A file that was checked was not written."));
        };
        part.finish().await.map_err(|err| storage(&err))?;
        Ok(describe(&self.id, &self.mark, self.mark.bytes, true, false))
    }

    /// Leave nothing of it.
    pub async fn discard(mut self) {
        // An open file cannot be deleted.
        self.part = None;
        let _tried = remove_kept(&self.id, &self.hold).await;
    }

    async fn write(&mut self) -> Result<(), Fault> {
        let part = match self.part.take() {
            Some(part) => part,
            None => {
                // The mark goes first: a file without one is what a crash left of a file that nobody can go on with.
                self.write_mark().await?;
                let part = PartFile::open(&self.id, &self.hold).await.map_err(|err| storage(&err))?;
                part.truncate(0).map_err(|err| storage(&err))?;
                part
            }
        };
        let outcome = self.write_to(&part);
        self.part = Some(part);
        outcome
    }

    async fn write_mark(&self) -> Result<(), Fault> {
        if self.mark.is_own() {
            return Ok(());
        }
        write_mark(&self.id, &self.mark.to_json(), &self.hold).await.map_err(|err| storage(&err))
    }

    /// The server calls the file by another version from now on.
    ///
    /// # Errors
    /// Storage that fails.
    pub async fn update_mark(&self) -> Result<(), Fault> {
        if self.part.is_some() { self.write_mark().await } else { Ok(()) }
    }

    fn write_to(&mut self, part: &PartFile) -> Result<(), Fault> {
        part.write(self.written, &self.buffer).map_err(|err| storage(&err))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.written - self.flushed >= FLUSH_BYTES {
            part.flush().map_err(|err| storage(&err))?;
            self.flushed = self.written;
        }
        Ok(())
    }

    fn refuse(&self, why: &str) -> Fault {
        let sentence = format!("“{}” is not kept: {why}. Nothing of it was left behind.", self.mark.name);
        Fault::new(FaultCode::BadFile, sentence)
    }
}

/// What is told of a file.
#[must_use]
pub fn describe(id: &str, mark: &Mark, here: u64, is_whole: bool, is_busy: bool) -> ModelFile {
    ModelFile {
        id: id.to_owned(),
        name: if mark.name.is_empty() { id.to_owned() } else { mark.name.clone() },
        bytes: if is_whole { here } else { mark.bytes },
        done_bytes: here,
        is_whole,
        sha256: mark.sha256.clone(),
        address: mark.address.clone(),
        is_busy,
    }
}

/// Storage that failed, as a fault.
#[must_use]
pub fn storage(err: &KeptError) -> Fault {
    let code = match err {
        KeptError::Unavailable => FaultCode::Unsupported,
        KeptError::NotFound => FaultCode::NotFound,
        KeptError::Busy => FaultCode::Conflict,
        KeptError::Quota => FaultCode::Quota,
        KeptError::Failed(_) => FaultCode::Storage,
    };
    Fault::new(code, err.to_string())
}
