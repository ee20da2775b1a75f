//! The language model that completions and answers are written with: a port to its worker, chosen by the page.

use std::collections::BTreeMap;

use link::{Caller, Endpoint, Incoming, Listener, Policy};
use protocol::{Fault, FaultCode, GeneratorSummary, UseGenerator};
use web_sys::MessagePort;

/// A worker with a language model.
struct Port {
    caller: Caller,
    _listener: Listener,
}

/// The ports that came, and which of them is to be used.
#[derive(Default)]
pub(crate) struct Generators {
    ports: BTreeMap<u32, Port>,
    chosen: Option<(u32, GeneratorSummary)>,
    reads_per_s: f32,
}

impl Generators {
    /// A port to a model worker came.
    pub(crate) fn add_port(&mut self, number: u32, port: MessagePort) {
        let caller = Caller::new(Policy::Fail);
        let endpoint = Endpoint::Port(port);
        let here = caller.clone();
        let listener = endpoint.listen(move |incoming| {
            if let Incoming::Frame(frame, blobs) = incoming {
                here.accept(frame, blobs);
            }
        });
        caller.attach(endpoint);
        self.ports.insert(number, Port { caller, _listener: listener });
    }

    /// The worker behind a port is gone: what it was asked fails.
    pub(crate) fn remove_port(&mut self, number: u32) {
        if let Some(port) = self.ports.remove(&number) {
            port.caller.fail_all(&Fault::new(FaultCode::ModelGone, "The language model's worker stopped."));
        }
        self.chosen.take_if(|(chosen, _)| *chosen == number);
    }

    /// Use the model behind a port from now on, or none.
    pub(crate) fn choose(&mut self, choice: UseGenerator) -> Result<(), Fault> {
        if let Some((number, _)) = &choice.generator
            && !self.ports.contains_key(number)
        {
            return Err(Fault::new(
                FaultCode::ModelGone,
                "The language model's worker is not there any more.",
            ));
        }
        self.chosen = choice.generator;
        self.reads_per_s = choice.reads_per_s;
        Ok(())
    }

    /// A model works on something.
    pub(crate) fn is_writing(&self) -> bool {
        self.ports.values().any(|port| port.caller.num_open() > 0)
    }

    /// Tokens of a prompt that the chosen model read in a second when it was loaded; 0 where that is not known.
    pub(crate) fn reads_per_s(&self) -> f32 {
        self.reads_per_s
    }

    /// Id of the chosen model.
    pub(crate) fn model(&self) -> Option<String> {
        self.chosen.as_ref().map(|(_, summary)| summary.model.clone())
    }

    /// How to reach the chosen model, and what it is.
    pub(crate) fn chosen(&self) -> Result<(Caller, GeneratorSummary), Fault> {
        let chosen = self.chosen.as_ref().and_then(|(number, summary)| {
            self.ports.get(number).map(|port| (port.caller.clone(), summary.clone()))
        });
        chosen.ok_or_else(|| {
            Fault::new(FaultCode::ModelMissing, "No language model is loaded. Choose one under “Models”.")
        })
    }
}
