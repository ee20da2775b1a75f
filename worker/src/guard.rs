//! Calls are held to the workspace that they name.
//!
//! One call after the other is answered, and any of them may open another workspace: what was sent before for the one
//! that was open then must not read or change the one that is open now.

use protocol::{EngineRequest, Fault, FaultCode, WorkspaceId};

use crate::workspaces::none_open;

/// The workspace that a call is about; `None` for calls that are about all of them, or about which of them is open.
/// Every request is listed, so that a new one cannot be forgotten here.
fn named(request: &EngineRequest) -> Option<WorkspaceId> {
    use EngineRequest as R;
    match request {
        R::ExportWorkspace(call) => Some(call.workspace),
        R::PutFiles(call) => Some(call.workspace),
        R::PutZip(call) => Some(call.workspace),
        R::ListFiles(call) => Some(call.workspace),
        R::ReadFile(call) => Some(call.workspace),
        R::WriteFile(call) => Some(call.workspace),
        R::RemovePath(call) => Some(call.workspace),
        R::RenamePath(call) => Some(call.workspace),
        R::PutDraft(call) => Some(call.workspace),
        R::GetSetting(call) => Some(call.workspace),
        R::PutSetting(call) => Some(call.workspace),
        R::Search(call) => Some(call.workspace),
        R::QuickOpen(call) => Some(call.workspace),
        R::Outline(call) => Some(call.workspace),
        R::FindSymbols(call) => Some(call.workspace),
        R::SetFocus(call) => Some(call.workspace),
        R::PauseEmbedding(call) => Some(call.workspace),
        R::Reindex(call) => Some(call.workspace),
        R::ListBehind(call) => Some(call.workspace),
        R::CheckDisk(call) => Some(call.workspace),
        R::WroteToDisk(call) => Some(call.workspace),
        R::RemoveUnchanged(call) => Some(call.workspace),
        R::Suggest(call) => Some(call.workspace),
        R::Ask(call) => Some(call.workspace),
        R::ListThreads(call) => Some(call.workspace),
        R::GetThread(call) => Some(call.workspace),
        R::RenameThread(call) => Some(call.workspace),
        R::DeleteThread(call) => Some(call.workspace),
        R::ListWorkspaces(_)
        | R::CreateWorkspace(_)
        | R::OpenWorkspace(_)
        | R::CloseWorkspace(_)
        | R::RenameWorkspace(_)
        | R::DeleteWorkspace(_)
        | R::ImportWorkspace(_)
        | R::GetStatus(_)
        | R::WatchStatus(_)
        | R::BecomeWriter(_)
        | R::ForgetModel(_)
        | R::UseGenerator(_) => None,
    }
}

/// Refuse a call about a workspace that is not the open one.
pub(crate) fn check(request: &EngineRequest, open: Option<WorkspaceId>) -> Result<(), Fault> {
    match (named(request), open) {
        (None, _) => Ok(()),
        (Some(named), Some(open)) if named == open => Ok(()),
        (Some(_), None) => Err(none_open()),
        (Some(_), Some(_)) => Err(Fault::new(
            FaultCode::NotOpen,
            "Another workspace was opened in the meantime, so nothing was done. Open the former one and try again.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::*;

    const HERE: WorkspaceId = WorkspaceId(2);
    const GONE: WorkspaceId = WorkspaceId(1);

    /// One of each call that reads or changes what is in a workspace.
    fn about(workspace: WorkspaceId) -> Vec<EngineRequest> {
        let (path, blob, thread) = (String::from("README.md"), Blob(0), ThreadId("t".into()));
        let query = SearchQuery {
            text: String::new(),
            mode: SearchMode::default(),
            case_sensitive: false,
            k: 1,
            layers: vec![],
            filter: SearchFilter::default(),
        };
        vec![
            ExportWorkspace { workspace }.into(),
            PutFiles {
                workspace,
                files: vec![],
                honour_ignore: true,
                max_file_bytes: 1,
                last: true,
                of: BatchOf::Loose,
            }
            .into(),
            PutZip { workspace, blob, honour_ignore: true, max_file_bytes: 1 }.into(),
            ListFiles { workspace }.into(),
            ReadFile { workspace, path: path.clone() }.into(),
            WriteFile { workspace, path: path.clone(), blob, expect: None }.into(),
            RemovePath { workspace, path: path.clone() }.into(),
            RenamePath { workspace, from: path.clone(), to: "b".into() }.into(),
            PutDraft { workspace, path: path.clone(), blob: None }.into(),
            GetSetting { workspace, key: "view".into() }.into(),
            PutSetting { workspace, key: "view".into(), value: None }.into(),
            Search { workspace, query }.into(),
            QuickOpen { workspace, text: String::new(), recent: vec![], k: 1 }.into(),
            Outline { workspace, path: path.clone() }.into(),
            FindSymbols { workspace, text: String::new(), k: 1 }.into(),
            SetFocus { workspace, paths: vec![] }.into(),
            PauseEmbedding { workspace, paused: true }.into(),
            Reindex { workspace }.into(),
            ListBehind { workspace }.into(),
            CheckDisk { workspace, path: String::new(), there: None }.into(),
            WroteToDisk { workspace, path: String::new(), hash: [0; 16] }.into(),
            RemoveUnchanged { workspace, paths: vec![] }.into(),
            Suggest {
                workspace,
                path: path.clone(),
                language: "rust".into(),
                text: blob,
                pos: Pos { line: 0, utf16: 0 },
                alternatives: 1,
            }
            .into(),
            Ask {
                workspace,
                thread: thread.clone(),
                turn: TurnId("u".into()),
                after: None,
                question: String::new(),
                mentions: vec![],
                max_new_tokens: 1,
            }
            .into(),
            ListThreads { workspace }.into(),
            GetThread { workspace, thread: thread.clone() }.into(),
            RenameThread { workspace, thread: thread.clone(), title: String::new() }.into(),
            DeleteThread { workspace, thread }.into(),
        ]
    }

    #[test]
    fn a_call_reaches_the_workspace_that_it_names() {
        for request in about(HERE) {
            assert_eq!(check(&request, Some(HERE)), Ok(()), "{request:?}");
        }
    }

    #[test]
    fn a_call_for_a_workspace_that_was_left_is_refused_in_a_sentence() {
        for request in about(GONE) {
            let fault = check(&request, Some(HERE)).unwrap_err();
            assert_eq!(fault.code, FaultCode::NotOpen, "{request:?}");
            let fault = check(&request, None).unwrap_err();
            assert_eq!(fault.code, FaultCode::NotOpen, "{request:?}");
            assert!(fault.sentence.ends_with('.'));
        }
    }

    #[test]
    fn calls_about_which_workspace_is_open_need_none() {
        for request in [ListWorkspaces.into(), OpenWorkspace { id: GONE }.into(), GetStatus.into()] {
            assert_eq!(check(&request, None), Ok(()));
        }
    }
}
