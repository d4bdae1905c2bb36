//! The file of users: one a line, lines that begin with # are remarks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

use smtp_session::sasl;

use super::entry::Entry;

/// Room for some hundred thousand users; more is some other file.
const SIZE_MAX: u64 = 64 << 20;

/// The longest name, in octets (RFC 4616 s2 asks for that many at least).
const NAME_MAX: usize = 255;

/// All users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserFile {
    pub(super) users: BTreeMap<String, Entry>,
}

/// What tells one state of the file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    changed: Option<SystemTime>,
    mode: u32,
}

/// Which state of the file is there now.
pub(super) fn stamp(path: &Path) -> io::Result<Stamp> {
    let found = path.metadata()?;
    Ok(Stamp {
        inode: found.ino(),
        size: found.size(),
        changed: found.modified().ok(),
        mode: found.permissions().mode(),
    })
}

/// Reads it.
///
/// # Errors
/// What is wrong with it and where, without a word of what it says.
pub(crate) fn read(path: &Path) -> Result<UserFile, String> {
    let shown = path.display();
    let mut file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    let found = file.metadata().map_err(|error| format!("{shown}: {error}"))?;
    if !found.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return Err(format!("{shown} can be read by others: chmod 600 {shown}"));
    }
    if found.len() > SIZE_MAX {
        return Err(format!("{shown} is too long to be a file of users"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| format!("{shown}: {error}"))?;
    parse(&text).map_err(|(line, what)| format!("{shown}:{line}: {what}"))
}

fn parse(text: &str) -> Result<UserFile, (usize, &'static str)> {
    let mut users = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |what| (index + 1, what);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, rest) = line.split_once(':').ok_or(wrong("no user"))?;
        if name_of(name).as_deref() != Ok(name) {
            return Err(wrong("its name is not one that could be said"));
        }
        let entry = Entry::from_text(rest).map_err(wrong)?;
        if users.insert(name.to_owned(), entry).is_some() {
            return Err(wrong("its name stands here a second time"));
        }
    }
    Ok(UserFile { users })
}

impl UserFile {
    /// What is written.
    pub(super) fn to_text(&self) -> String {
        let mut text =
            "# Users of optgate, written by `optgate user`. Keep it secret.\n".to_owned();
        for (name, entry) in &self.users {
            text.push_str(name);
            text.push(':');
            text.push_str(entry.to_text().expose());
            text.push('\n');
        }
        text
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }
}

/// The name as it is compared: prepared (RFC 4013), so that two ways to type it are one user.
///
/// # Errors
/// Why nobody can be called that.
pub(super) fn name_of(name: &str) -> Result<String, &'static str> {
    let prepared = sasl::prepare(name).ok_or("a name has letters, and no control characters")?;
    if prepared.len() > NAME_MAX {
        return Err("a name has at most 255 octets");
    }
    if prepared.contains(':') || prepared.starts_with('#') || prepared.trim() != prepared {
        return Err("a name has no colon, no # in front, no space at its ends");
    }
    Ok(prepared.into_owned())
}

#[cfg(test)]
mod tests;
