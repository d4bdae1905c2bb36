//! What the tests ask of any mail server behind the gate.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::process::wait_until;
use crate::stored::Stored;

/// The name that the gate gives itself in the tests.
pub const GATE_NAME: &str = "gate.test";

/// Storing what was accepted is a matter of milliseconds; the machine is shared.
const STORING_LIMIT: Duration = Duration::from_secs(60);

/// A mail server that takes everything and stores one copy for each recipient.
pub trait Smarthost {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Its own host name.
    fn name(&self) -> &'static str;

    /// The Maildir that it stores into.
    fn maildir(&self) -> &Path;

    /// Whether it still has accepted mail that is not stored yet.
    fn is_busy(&self) -> bool;

    /// What it has logged.
    fn log(&self) -> String;

    /// Everything it has accepted, in no order. Waits until all is stored.
    ///
    /// # Panics
    /// When it is still busy after a minute.
    fn stored(&self) -> Vec<Stored> {
        let idle = wait_until(STORING_LIMIT, || (!self.is_busy()).then_some(()));
        assert!(idle.is_some(), "{} still holds mail:\n{}", self.name(), self.log());
        files_in(&self.maildir().join("new"))
            .into_iter()
            .map(|file| Stored::new(&file, GATE_NAME, self.name()))
            .collect()
    }
}

fn files_in(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a stored message can be read")).collect()
}

/// Whether a folder holds a file that is `such`, at any depth.
pub(crate) fn holds_files(folder: &Path, such: impl Fn(&Path) -> bool + Copy) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() { holds_files(&path, such) } else { such(&path) }
    })
}
