//! Messages to the person, each a whole sentence. They are announced politely to screen readers; failures stay until
//! they are dismissed, other messages go after a while.

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use protocol::{Fault, FaultCode};

use super::dialog::Run;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Info,
    /// Done as asked.
    Done,
    /// Something needs attention.
    Warning,
    /// Something failed.
    Failure,
}

/// Something that can be done about a message.
#[derive(Clone)]
pub struct Offer {
    /// On the button.
    pub label: String,
    /// What it does; the message goes afterwards.
    pub run: Run,
}

/// A message.
#[derive(Clone)]
pub struct Toast {
    /// For dismissing it.
    pub id: u32,
    /// How grave.
    pub weight: Weight,
    /// The sentence.
    pub sentence: String,
    /// Choices.
    pub offers: Vec<Offer>,
}

const MAX_SHOWN: usize = 4;
const SHOWN_MS: u32 = 6000;

/// The messages on show, oldest first.
#[derive(Clone, Copy)]
pub struct Toasts {
    /// What to render.
    pub list: RwSignal<Vec<Toast>>,
    next_id: RwSignal<u32>,
}

impl Default for Toasts {
    fn default() -> Self {
        Self { list: RwSignal::new(Vec::new()), next_id: RwSignal::new(0) }
    }
}

/// Let go of the oldest messages that would go by themselves anyway. What failed, and what can be acted on, stays.
fn make_room(list: &mut Vec<Toast>) {
    while list.len() > MAX_SHOWN
        && let Some(oldest) = list.iter().position(Toast::is_fleeting)
    {
        list.remove(oldest);
    }
}

impl Toast {
    fn is_fleeting(&self) -> bool {
        self.offers.is_empty() && matches!(self.weight, Weight::Info | Weight::Done)
    }
}

impl Toasts {
    /// Say something.
    pub fn say(self, weight: Weight, sentence: impl Into<String>) {
        self.offer(weight, sentence, Vec::new());
    }

    /// Say something that can be acted on.
    pub fn offer(self, weight: Weight, sentence: impl Into<String>, offers: Vec<Offer>) {
        let sentence = sentence.into();
        let id = self.next_id.get_untracked();
        self.next_id.set(id + 1);
        let toast = Toast { id, weight, sentence, offers };
        let fleeting = toast.is_fleeting();
        self.list.update(|list| {
            // The same sentence twice says nothing new.
            list.retain(|known| known.sentence != toast.sentence);
            list.push(toast);
            make_room(list);
        });
        if fleeting {
            Timeout::new(SHOWN_MS, move || self.dismiss(id)).forget();
        }
    }

    /// Report a failure. What the person cancelled is no failure.
    pub fn fault(self, fault: &Fault) {
        match fault.code {
            FaultCode::Cancelled => {}
            FaultCode::StaleBuild => self.offer(
                Weight::Warning,
                fault.sentence.clone(),
                vec![Offer {
                    label: "Reload".into(),
                    run: std::sync::Arc::new(|()| {
                        let _refused = window().location().reload();
                    }),
                }],
            ),
            _ => self.say(Weight::Failure, fault.sentence.clone()),
        }
    }

    /// Take away a message that does not hold any more.
    pub fn take_back(self, sentence: &str) {
        self.list.update(|list| list.retain(|toast| toast.sentence != sentence));
    }

    /// Take a message away.
    pub fn dismiss(self, id: u32) {
        self.list.update(|list| list.retain(|toast| toast.id != id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_and_what_can_be_acted_on_is_not_pushed_out() {
        let toast = |id, weight, offers| Toast { id, weight, sentence: id.to_string(), offers };
        let offer = Offer { label: "Write".into(), run: std::sync::Arc::new(|()| {}) };
        let mut list = vec![
            toast(0, Weight::Failure, Vec::new()),
            toast(1, Weight::Info, vec![offer]),
            toast(2, Weight::Done, Vec::new()),
            toast(3, Weight::Warning, Vec::new()),
            toast(4, Weight::Failure, Vec::new()),
            toast(5, Weight::Info, Vec::new()),
        ];
        make_room(&mut list);
        assert_eq!(list.iter().map(|toast| toast.id).collect::<Vec<_>>(), [0, 1, 3, 4]);
    }
}
