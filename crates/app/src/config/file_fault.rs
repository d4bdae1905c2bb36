//! Faults of files that the configuration names.

use std::ops::Range;

use proxy::FileFault;

use super::fault::{Fault, Severity};

/// A file that is not there may come before the gate starts; it does not start without.
pub(crate) fn about_file(span: Option<Range<usize>>, fault: &FileFault) -> Fault {
    let severity = if fault.path.exists() { Severity::Error } else { Severity::Missing };
    Fault::maybe_at(span, fault.to_string()).severity(severity)
}
