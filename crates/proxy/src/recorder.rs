//! Where a session's records go.

use evidence::{Decision, Intent, Outcome};

/// Takes the records of all sessions. Called on the path of a message: it must not
/// wait for anything but the operating system taking a line.
pub trait Recorder: Send + Sync {
    /// A recipient was judged.
    fn decided(&self, record: &Decision);

    /// The dot is about to go upstream; `false` (it could not be written) stops it.
    fn intent(&self, record: &Intent) -> bool;

    /// A transaction ended.
    fn outcome(&self, record: &Outcome);
}
