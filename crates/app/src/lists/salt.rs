//! Whether the file with the salt of a list of digests still says what the gate began with.

use sources::Password;

use crate::config::SourceSettings;

/// Tells once that a salt is another one: until the gate starts anew, nobody is found by it.
#[derive(Debug, Default)]
pub(super) struct SaltWatch {
    told: bool,
}

impl SaltWatch {
    /// Looks at the file.
    pub(super) fn look(&mut self, source: &SourceSettings) {
        let changed = is_changed(source);
        if changed && !self.told {
            tracing::warn!(
                list = source.name,
                "its salt_file has changed; restart the gate, until then digests are made with the \
                 salt it had"
            );
        }
        self.told = changed;
    }
}

/// A file that cannot be read at the moment is none that has changed.
pub(super) fn is_changed(source: &SourceSettings) -> bool {
    let (Some(path), Some(form)) = (&source.salt, &source.spec.hashed) else { return false };
    let Ok(now) = Password::File(path.clone()).read() else { return false };
    // One of the two is empty.
    *now.expose() != [form.salt.before.as_str(), form.salt.behind.as_str()].concat()
}
