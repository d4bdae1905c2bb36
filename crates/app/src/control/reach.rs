//! Whoever can answer: the running gate, or, without one, a clerk of our own.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledger::IfMissing;

use super::client::{ask, connect};
use crate::clerk::{Clerk, ClerkParts, Reloaded, Request};
use crate::clock;
use crate::config::Settings;
use crate::error::AppError;
use crate::import::Progress;
use crate::keeper::{
    Holder, Keeper, KeeperSettings, LedgerLock, Places, RestoreOutcome, RestoreRequest,
};
use crate::lists;
use crate::live::{Consultant, LiveSources};
use crate::restore::alone;

/// How long a gate that is starting, or a command that is ending, is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(100);

/// Somebody who answers.
pub enum Reach {
    /// The running gate.
    Gate(GateReach),
    /// No gate runs: the ledger is ours for as long as this lives.
    Alone(Box<Alone>),
}

/// The running gate, over its socket.
pub struct GateReach {
    socket: PathBuf,
    /// The connection that found it, for the first question.
    first: Option<UnixStream>,
}

/// A clerk of our own.
pub struct Alone {
    clerk: Clerk,
    keeper: Keeper,
    /// Keeps gates and other commands away; given back last.
    _lock: LedgerLock,
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.keeper.stop();
    }
}

impl Reach {
    /// Finds somebody.
    ///
    /// # Errors
    /// When a gate holds the ledger and does not answer, or the ledger cannot be opened.
    pub fn find(settings: &Arc<Settings>, if_missing: IfMissing) -> Result<Self, AppError> {
        let until = clock::instant() + PATIENCE;
        let lock = loop {
            if let Some(stream) = connect(&settings.control)? {
                let socket = settings.control.clone();
                return Ok(Self::Gate(GateReach { socket, first: Some(stream) }));
            }
            // Between these two a gate may start: then the lock is taken, and its socket
            // is about to appear.
            match LedgerLock::take(&settings.ledger.path, Holder::Command, Duration::ZERO) {
                Ok(lock) => break lock,
                Err(AppError::Taken { .. }) if clock::instant() < until => clock::sleep(RETRY),
                Err(error) => return Err(error),
            }
        };
        let keeper = Keeper::start(&KeeperSettings {
            ledger: settings.ledger.path.clone(),
            key: settings.ledger.key_file.clone(),
            rules: settings.ledger.person.clone(),
            if_missing,
        })?;
        lists::note_ages(&keeper, &settings.sources)?;
        let live = LiveSources::of(settings).map(Consultant::alone);
        let (keeper_too, settings) = (keeper.clone(), settings.clone());
        let parts = ClerkParts { keeper: keeper_too, settings, running: None, live };
        Ok(Self::Alone(Box::new(Alone { clerk: Clerk::new(parts), keeper, _lock: lock })))
    }

    /// The running gate behind a socket; none when no gate listens there.
    ///
    /// # Errors
    /// When there is a gate and it cannot be reached.
    pub fn gate(socket: &Path) -> Result<Option<Self>, AppError> {
        let reach = |stream| GateReach { socket: socket.to_owned(), first: Some(stream) };
        Ok(connect(socket)?.map(|stream| Self::Gate(reach(stream))))
    }

    /// Whether a gate answers.
    pub fn is_gate(&self) -> bool {
        matches!(self, Self::Gate(_))
    }

    /// Asks.
    ///
    /// # Errors
    /// What the answer is when there is none.
    pub fn ask(
        &mut self,
        request: &Request,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<serde_json::Value, AppError> {
        match self {
            Self::Gate(gate) => ask(&gate.stream()?, request, progress),
            Self::Alone(alone) => alone.clerk.answer(request, progress),
        }
    }
}

impl GateReach {
    fn stream(&mut self) -> Result<UnixStream, AppError> {
        if let Some(stream) = self.first.take() {
            return Ok(stream);
        }
        connect(&self.socket)?
            .ok_or_else(|| AppError::Unavailable("the gate was stopped meanwhile".to_owned()))
    }
}

/// Has the running gate behind a socket read its configuration anew.
///
/// # Errors
/// When no gate runs, or what is wrong with the configuration; nothing has changed then.
pub fn reload(socket: &Path) -> Result<Reloaded, AppError> {
    let none = || {
        let socket = socket.display();
        AppError::Unavailable(format!(
            "no gate is running behind {socket}; if [ledger] path or [control] socket were changed: one that runs is behind its old socket, and has to be restarted"
        ))
    };
    let stream = connect(socket)?.ok_or_else(none)?;
    let answer = ask(&stream, &Request::Reload, &mut |_| ())?;
    serde_json::from_value(answer)
        .map_err(|e| AppError::Unavailable(format!("the gate's answer makes no sense: {e}")))
}

/// Puts a backup in the place of the ledger: by the running gate, or, without one, here.
/// Not by a clerk of our own, because the ledger may be one that cannot be opened.
///
/// # Errors
/// Then the ledger is as it was.
pub fn restore(
    settings: &Settings,
    request: &RestoreRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoreOutcome, AppError> {
    if let Some(stream) = connect(&settings.control)? {
        let answer = ask(&stream, &Request::Restore(request.clone()), progress)?;
        return serde_json::from_value(answer)
            .map_err(|e| AppError::Unavailable(format!("the gate's answer makes no sense: {e}")));
    }
    let _lock = LedgerLock::take(&settings.ledger.path, Holder::Command, PATIENCE)?;
    let ledger = &settings.ledger;
    let places = Places { ledger: ledger.path.clone(), key: ledger.key_file.clone() };
    let outcome = alone(request, &places, &ledger.person, progress)?;
    let read_again = settings.sources.iter().map(|source| source.name.clone()).collect();
    Ok(RestoreOutcome { read_again, ..outcome })
}
