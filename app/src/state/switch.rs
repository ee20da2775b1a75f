//! From one workspace to another: the one way that all take who open, make or import one.

use js_sys::ArrayBuffer;
use leptos::prelude::*;
use protocol::{
    Call, CloseWorkspace, EngineRequest, Fault, FaultCode, GetStatus, OpenWorkspace, Opened, WorkspaceId,
};

use super::settings::set_last_workspace;
use super::visit::Visit;
use super::{App, Phase};

impl App {
    /// The visit that is going on. Take it before a wait, and look afterwards whether it [`Visit::is_over`].
    pub(crate) fn visit(self) -> Visit {
        self.private.with_value(|private| private.visit.clone())
    }

    /// Leave the open workspace for the one that `call` opens, makes or imports; `name` is shown meanwhile. The call is
    /// on its way when this returns, behind what was still to be kept of the former workspace. When it fails, the page
    /// shows again what the engine still has open, or what was open before, or the start screen.
    ///
    /// # Errors
    /// The engine's fault; [`FaultCode::Cancelled`] when another workspace was asked for before this one was there.
    pub(crate) fn switch<C>(
        self,
        name: &str,
        call: C,
        blobs: Vec<ArrayBuffer>,
    ) -> impl Future<Output = Result<WorkspaceId, Fault>> + use<C>
    where
        C: Call<Request = EngineRequest, Reply = Opened>,
    {
        let former = self.open_id();
        self.leave();
        self.phase.set(Phase::Opening(name.to_owned()));
        let visit = self.visit();
        let opening = self.engine().call_with(call, blobs);
        async move {
            let outcome = opening.await;
            if visit.is_over() {
                return Err(superseded());
            }
            match outcome {
                Ok((opened, _)) => {
                    let id = opened.info.id;
                    self.adopt(opened).await;
                    if visit.is_over() { Err(superseded()) } else { Ok(id) }
                }
                Err(fault) => {
                    self.go_back(former).await;
                    Err(fault)
                }
            }
        }
    }

    /// Another workspace could not be opened: show what is open still, or open again what was open before.
    async fn go_back(self, former: Option<WorkspaceId>) {
        let visit = self.visit();
        let still = self.call(GetStatus).await.ok().and_then(|status| status.workspace).map(|(id, _)| id);
        if let Some(id) = still.or(former) {
            // Answers at once when it is open.
            let opened = self.call(OpenWorkspace { id }).await;
            if visit.is_over() {
                return;
            }
            if let Ok(opened) = opened {
                return self.adopt(opened).await;
            }
        }
        if !visit.is_over() {
            self.engine().set_current(None);
            self.show_start();
        }
    }

    /// Close the open workspace and go to the start screen.
    pub fn close_workspace(self) {
        let id = self.open_id();
        self.leave();
        if let Some(id) = id {
            let closed = self.call(CloseWorkspace { id });
            self.act(async move {
                closed.await?;
                // Until now, a worker that was started again had to open it for what was still to be kept of it.
                self.engine().forget_current(id);
                Ok(())
            });
        }
        self.show_start();
    }

    /// Show the start screen.
    pub(super) fn show_start(self) {
        set_last_workspace(None);
        self.phase.set(Phase::Start);
        self.refresh_kept();
    }
}

fn superseded() -> Fault {
    Fault::new(FaultCode::Cancelled, "Another workspace was opened instead.")
}
