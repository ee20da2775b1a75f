//! Lets the model write a completion, and stops it as soon as what follows cannot matter or nobody waits any more.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use agents::completion::{Place, is_whole};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use link::Caller;
use protocol::{Fault, FaultCode, FinishReason, Generate, Generated, GeneratedPiece};
use stdx::{Cancel, Clock as _, SystemClock};

use crate::suggest::At;

/// Pause between two looks at whether somebody still waits, milliseconds.
const LOOK_MS: u32 = 10;

/// A block is written for at most this long, milliseconds: some lines now are worth more than all of them later.
const BLOCK_MS: f64 = 1200.0;

/// What the model wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The text.
    pub(crate) text: String,
    /// It was not broken off in the middle.
    pub(crate) is_ended: bool,
    /// What the model says of it; nothing where it was stopped.
    pub(crate) generated: Option<Generated>,
}

/// What came so far, and who is to be told when it is enough.
struct Coming {
    text: String,
    /// It ends here; otherwise there was no time for more.
    is_whole: bool,
    began_ms: Option<f64>,
    enough: Option<oneshot::Sender<()>>,
}

/// Let the model write. Dropping the future stops it at its next token.
pub(crate) async fn write(
    caller: Caller,
    call: Generate,
    at: Rc<At>,
    place: Rc<Place>,
    cancel: Cancel,
) -> Result<Written, Fault> {
    let (sender, enough) = oneshot::channel();
    let coming = Rc::new(RefCell::new(Coming {
        text: String::new(),
        is_whole: false,
        began_ms: None,
        enough: Some(sender),
    }));
    let (here, clock) = (coming.clone(), SystemClock::default());
    let from = at.clone();
    let pending = caller.stream(call, Vec::new(), move |piece: GeneratedPiece| {
        let mut coming = here.borrow_mut();
        coming.text.push_str(&piece.text);
        let now_ms = clock.monotonic_ms();
        let began_ms = *coming.began_ms.get_or_insert(now_ms);
        coming.is_whole = is_whole(&place, at.before(), at.behind(), at.behind_caret(&coming.text));
        let has_line = || coming.text.trim_start().contains('\n');
        if (coming.is_whole || now_ms - began_ms > BLOCK_MS && has_line())
            && let Some(enough) = coming.enough.take()
        {
            let _gone = enough.send(());
        }
    });
    let given_up = pin!(async {
        while !cancel.is_cancelled() {
            web::sleep_ms(LOOK_MS).await;
        }
    });
    match select(select(pending, enough), given_up).await {
        Either::Left((Either::Left((result, _)), _)) => {
            let (generated, _) = result?;
            let is_ended = generated.finish != FinishReason::Length;
            let text = from.behind_caret(&generated.text).to_owned();
            Ok(Written { text, is_ended, generated: Some(generated) })
        }
        Either::Left((Either::Right(_), _)) => {
            let coming = coming.borrow();
            let text = from.behind_caret(&coming.text).to_owned();
            Ok(Written { text, is_ended: coming.is_whole, generated: None })
        }
        Either::Right(_) => {
            Err(Fault::new(FaultCode::Cancelled, "Nobody waits for this completion any more."))
        }
    }
}
