//! The configuration file: what it says (`file.rs`) and what it means ([`Settings`]).
//!
//! Two stages, so that one kind of code looks at text and another at meaning. Every
//! fault of a file is told at once, each with its place and what would be right.
//! The sections and keys are written down in one table, `file.rs`; the file that
//! `init` writes, `config show` and `docs/configuration.md` come from it.

mod admission;
mod alert;
mod altered;
mod bond;
mod change;
mod choice;
mod classes;
mod credentials;
mod dkim;
mod document;
mod enforcement;
mod fault;
mod file;
mod file_fault;
mod form;
mod front_end;
mod gate;
mod gate_settings;
mod greeting;
mod limits;
mod location;
mod login;
mod meaning;
mod mechanisms;
mod milter;
mod naming;
mod nearest;
mod network;
mod notice;
mod notice_text;
mod of_listener;
mod pattern;
mod person;
mod pin;
mod quantity;
mod ready;
mod recipient;
mod reference;
mod route;
mod routing;
mod scope;
mod section;
mod sender;
mod settings;
mod show;
mod smarthost;
mod solicitation;
mod source;
mod stream;
mod template;
mod tls;
mod users;
mod waits;

use std::path::{Path, PathBuf};

pub use change::Difference;
pub use choice::{
    Action, Contact, EvidenceSync, Identity, Level, ListenerTls, LogFormat, Mixed, RefuseAt,
    SmarthostTls, Store, Way,
};
pub use credentials::{LoginSecret, LoginSettings, TokenGrant, TokenPlace};
pub use fault::{Fault, FaultLine, Report, Severity};
pub use gate_settings::{ContentJudging, GateCheck, GateSettings};
pub use meaning::Surroundings;
pub use naming::{EvidencePath, SourceName};
pub use network::HostPort;
pub use reference::reference;
pub use settings::{
    AlertSettings, DkimSettings, EnforcementSettings, EvidenceSettings, GreetingSettings,
    LedgerSettings, LimitSettings, ListenerSettings, ListenerTlsSettings, LiveSettings,
    LogSettings, MilterSettings, Mode, Place, RouteSettings, Settings, SmarthostSettings,
    SourceSettings, SyncSettings, Webhook,
};
pub use show::{ShownOrigin, ShownValue, show_toml};
pub use template::{TemplateAnswers, template};

/// A file that was read.
#[derive(Debug)]
pub struct Loaded {
    /// What it means; none when it has an error.
    pub settings: Option<Settings>,
    /// What is wrong with it.
    pub report: Report,
    /// Every effective value with its origin.
    pub values: Vec<ShownValue>,
    /// The control socket, whatever else is wrong.
    pub control: Option<PathBuf>,
}

/// Reads a configuration file.
///
/// # Errors
/// When the file cannot be read, or is not UTF-8.
pub fn load(path: &Path, around: &Surroundings) -> std::io::Result<Loaded> {
    let text = std::fs::read_to_string(path)?;
    Ok(load_text(path, &text, around))
}

/// Reads the text of a configuration file as if it stood at `path`.
pub fn load_text(path: &Path, text: &str, around: &Surroundings) -> Loaded {
    let mut faults = Vec::new();
    // A byte order mark is an editor's doing and no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut file = file::read(text, &mut faults);
    let folder = folder_of(path);
    let settings = meaning::settle(&mut file, &folder, around, &mut faults);
    let control = file.control.socket.get().map(|socket| folder.join(&socket.0));
    let values = show::values(&file, text, path);
    let report = Report::new(path, text, faults);
    Loaded { settings: settings.filter(|_| !report.is_fatal()), report, values, control }
}

/// The folder of the file; empty for a bare name, which is this process' own folder.
fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

#[cfg(test)]
mod tests;
