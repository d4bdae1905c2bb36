//! What every subject must know to be configured and started.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::layout::Cpus;
use crate::test::Postfix;

/// What a subject needs to know to be started.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The folder of this benchmark.
    pub(super) folder: PathBuf,
    pub(super) sink: SocketAddr,
    pub(super) opt_outs: u64,
    /// The optgate binary.
    pub(super) gate: PathBuf,
    pub(super) haproxy: Option<PathBuf>,
    pub(super) postfix: Option<Postfix>,
    /// Map type of Postfix.
    pub(super) map: String,
    pub(super) cpus: Cpus,
}
