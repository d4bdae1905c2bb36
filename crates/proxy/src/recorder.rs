//! Where a session's records go.
//!
//! A record costs a line in memory; writing costs a system call. So a session
//! collects its lines and hands them over together, at the moments that matter: a
//! refusal before the client reads its reference, the intent before the dot goes
//! upstream, an outcome once the client has its reply, a greeting once it was shown.

use std::future::Future;
use std::pin::Pin;

use evidence::{Decision, Finding, Intent, Notice, NoticeText, Outcome};

/// Takes the records of all sessions. Called on the path of a message: it must not
/// wait for anything but the operating system taking some lines.
pub trait Recorder: Send + Sync {
    /// Adds the line of a decision.
    fn decided(&self, record: &Decision, lines: &mut Vec<u8>);

    /// Adds the line of a finding.
    fn found(&self, record: &Finding, lines: &mut Vec<u8>);

    /// Adds the line of an intent.
    fn intent(&self, record: &Intent, lines: &mut Vec<u8>);

    /// Adds the line of an outcome.
    fn outcome(&self, record: &Outcome, lines: &mut Vec<u8>);

    /// Adds the line of a greeting that was shown.
    fn notice(&self, record: &Notice, lines: &mut Vec<u8>);

    /// Adds the line of what a greeting says.
    fn notice_text(&self, record: &NoticeText, lines: &mut Vec<u8>);

    /// Which file lines go to now: a number that grows when another one is begun.
    fn file(&self) -> u64 {
        0
    }

    /// Writes collected lines; `false` when that failed.
    fn write(&self, lines: &[u8]) -> bool;

    /// Writes collected lines, an intent among them: the dot waits until they are as safe as
    /// was asked for.
    fn commit(&self, lines: &[u8]) -> Commit {
        Commit::Done(self.write(lines))
    }
}

/// Whether an intent is written.
pub enum Commit {
    /// It is, or that failed.
    Done(bool),
    /// It will be known. No thread is blocked meanwhile.
    Pending(Pin<Box<dyn Future<Output = bool> + Send>>),
}
