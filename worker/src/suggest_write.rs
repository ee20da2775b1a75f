//! Lets the model write a completion, and stops it as soon as what follows cannot matter or nobody waits any more.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use agents::completion::{Place, is_whole};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use link::Caller;
use protocol::{Fault, FaultCode, FinishReason, Generate, Generated, GeneratedPiece};
use stdx::Cancel;

use crate::suggest::At;

/// Pause between two looks at whether somebody still waits, milliseconds.
const LOOK_MS: u32 = 10;

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
    let coming = Rc::new(RefCell::new(Coming { text: String::new(), enough: Some(sender) }));
    let here = coming.clone();
    let pending = caller.stream(call, Vec::new(), move |piece: GeneratedPiece| {
        let mut coming = here.borrow_mut();
        coming.text.push_str(&piece.text);
        if is_whole(&place, at.before(), at.behind(), &coming.text)
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
            Ok(Written { text: generated.text.clone(), is_ended, generated: Some(generated) })
        }
        Either::Left((Either::Right(_), _)) => {
            let text = std::mem::take(&mut coming.borrow_mut().text);
            Ok(Written { text, is_ended: true, generated: None })
        }
        Either::Right(_) => {
            Err(Fault::new(FaultCode::Cancelled, "Nobody waits for this completion any more."))
        }
    }
}
