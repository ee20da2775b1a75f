//! The icons, drawn for Alcove on a grid of 16 units with round strokes.

use leptos::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Glyph {
    Alcove,
    Archive,
    Beside,
    Chat,
    Check,
    ChevronDown,
    ChevronRight,
    Close,
    Collapse,
    Copy,
    Cpu,
    Download,
    Failure,
    File,
    Files,
    Filter,
    Folder,
    FolderOpen,
    Info,
    Keyboard,
    Lock,
    NewFile,
    Offline,
    Outline,
    Pause,
    Pencil,
    Play,
    Refresh,
    Sample,
    Search,
    Settings,
    Split,
    Trash,
    Warning,
}

impl Glyph {
    const fn path(self) -> &'static str {
        match self {
            Self::Alcove => "M2.5 14V8a5.5 5.5 0 0 1 11 0v6M5.5 14V8.5a2.5 2.5 0 0 1 5 0V14M1 14h14",
            Self::Archive => "M2.5 5.5v8h11v-8M1.5 2.5h13v3h-13zM6.5 8.5h3",
            Self::Beside => "M2 3h12v10H2zM8 3v10M10.2 6.5 11.7 8l-1.5 1.5",
            Self::Chat => "M2 2.8h12v8.4H7.2L4 13.8v-2.6H2zM5 5.8h6M5 8.3h4",
            Self::Check => "m3 8.5 3.2 3.2L13 5",
            Self::ChevronDown => "m4 6 4 4 4-4",
            Self::ChevronRight => "m6 4 4 4-4 4",
            Self::Close => "m4 4 8 8M12 4l-8 8",
            Self::Collapse => "M3 5.5V3h7.5M5.5 5.5h7.5V13H5.5zM7.5 9.2h3.5",
            Self::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Self::Cpu => {
                "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14"
            }
            Self::Download => "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
            Self::Failure => {
                "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4"
            }
            Self::File => "M3.5 1.8h5.7l3.3 3.3v9.1h-9zM9 2v3.3h3.3",
            Self::Files => "M5.5 1.8h4.7l3.3 3.3v6.1h-8zM10 2v3.3h3.3M5.5 4.5h-3v9.7h8v-3",
            Self::Filter => "M2 3.5h12M4.5 8h7M6.8 12.5h2.4",
            Self::Folder => "M1.8 3h4.4l1.5 1.8h6.5v8.4H1.8z",
            Self::FolderOpen => "M1.8 13.2V3h4.4l1.5 1.8h5v2M1.8 13.2 4 6.8h11l-2.3 6.4z",
            Self::Info => "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 7.3v3.9M8 4.8v.1",
            Self::Keyboard => "M1.5 4h13v8h-13zM4 6.6h.1M6.6 6.6h.1M9.3 6.6h.1M12 6.6h.1M5 9.6h6",
            Self::Lock => "M3.5 7.2h9v6.6h-9zM5.3 7V5a2.7 2.7 0 0 1 5.4 0v2",
            Self::NewFile => "M9 14.2H3.5V1.8h5.7l3.3 3.3v3M9 2v3.3h3.3M12.2 10v4.4M10 12.2h4.4",
            Self::Offline => {
                "M2 2l12 12M3 7.2A8 8 0 0 1 5.6 5.6M8.5 5a8 8 0 0 1 4.5 2.2M5.5 9.6a4 4 0 0 1 2.3-1M8 12.4v.1"
            }
            Self::Outline => "M2 3.5h5M4.5 3.5v9.2h3M4.5 8h3M9.5 8H14M9.5 12.7H14M9.5 3.5H14",
            Self::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Self::Pencil => "M2.5 13.5 3.2 10.4 10.9 2.7l2.4 2.4-7.7 7.7z",
            Self::Play => "M5 3.2v9.6L12.6 8z",
            Self::Refresh => "M13 8a5 5 0 1 1-1.6-3.7M13.2 2.2v2.6h-2.6",
            Self::Sample => "M8 1.8l1.6 4.6 4.6 1.6-4.6 1.6L8 14.2 6.4 9.6 1.8 8l4.6-1.6z",
            Self::Search => "M6.8 2.2a4.6 4.6 0 1 0 0 9.2 4.6 4.6 0 0 0 0-9.2M10.2 10.2l3.8 3.8",
            Self::Settings => {
                "M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M8.2 4.5a1.9 1.9 0 1 0 3.8 0 1.9 1.9 0 1 0-3.8 0M4.2 11.5a1.9 1.9 0 1 0 3.8 0 1.9 1.9 0 1 0-3.8 0"
            }
            Self::Split => "M2 3h12v10H2zM8 3v10",
            Self::Trash => "M2.5 4.2h11M6 4V2.2h4V4M3.8 4.2l.7 9.6h7l.7-9.6M6.6 7v4M9.4 7v4",
            Self::Warning => "M8 2.2 14.5 13.5h-13zM8 6.4v3.4M8 11.7v.1",
        }
    }
}

/// An icon. Decorative: whatever carries it has its own label.
pub fn icon(glyph: Glyph) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=glyph.path() />
        </svg>
    }
}
