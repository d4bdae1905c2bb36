//! Scopes that are classes of solicitation without anybody meaning it.

use super::fault::{Fault, Severity};
use super::file::File;
use super::settings::ListenerSettings;

/// Warns of a list whose scope is a class, where nothing else in the file speaks of classes: its
/// people would get all mail but that which says that it is of this class.
pub(crate) fn check(file: &File, listeners: &[ListenerSettings], faults: &mut Vec<Fault>) {
    if listeners.iter().any(|one| one.no_soliciting.is_some()) {
        return;
    }
    for scope in
        file.sources.iter().map(|source| &source.scope).filter(|one| one.value.0.is_class())
    {
        let class = scope.value.0.as_str();
        let message = format!(
            "with its colon this scope is a class of solicitation: the list stops only mail that \
             says SOLICIT={class}, and streams with that scope"
        );
        faults.push(
            Fault::maybe_at(scope.span(), message)
                .severity(Severity::Warning)
                .help("a name without a colon, or no_soliciting at a listener if it is meant"),
        );
    }
}
