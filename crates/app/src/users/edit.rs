//! `optgate user`: adding, removing, listing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use observe::Secret;
use smtp_session::sasl;

use super::entry::Entry;
use super::file::{UserFile, name_of, read};
use crate::chance;
use crate::error::AppError;

/// A longer password is refused at the login.
const PASSWORD_MAX: usize = 1024;

/// A password that can be used with every mechanism.
#[derive(Debug)]
pub struct Passphrase(Secret<String>);

impl Passphrase {
    /// Prepares it (RFC 4013).
    ///
    /// # Errors
    /// Why it cannot be one.
    pub fn new(said: &str) -> Result<Self, AppError> {
        let wrong = |why: &str| AppError::Input(format!("the password: {why}"));
        if said.is_empty() {
            return Err(wrong("it is empty"));
        }
        let prepared = sasl::prepare(said).ok_or_else(|| {
            wrong("it has characters that cannot be typed alike everywhere (RFC 4013)")
        })?;
        if said.len() > PASSWORD_MAX || prepared.len() > PASSWORD_MAX {
            return Err(wrong("it is longer than 1024 octets"));
        }
        Ok(Self(Secret::new(prepared.into_owned())))
    }
}

/// What adding a user came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// There was none of that name.
    New,
    /// There was one, and it has a new password.
    Replaced,
}

/// Adds a user, or gives one a new password if `replace` says so. Makes the file, if there is
/// none.
///
/// # Errors
/// A name that cannot be one or that is taken; a file that cannot be read or written.
pub fn add(
    path: &Path,
    name: &str,
    password: &Passphrase,
    replace: bool,
) -> Result<Added, AppError> {
    let name = name_of(name).map_err(|why| AppError::Input(why.to_owned()))?;
    let entry = Entry::new(password.0.expose().as_bytes())?;
    change(path, true, |file| {
        if !replace && file.users.contains_key(&name) {
            let why = format!("there is a user {name} already; to change the password: --replace");
            return Err(AppError::Input(why));
        }
        Ok(match file.users.insert(name, entry) {
            Some(_) => Added::Replaced,
            None => Added::New,
        })
    })
}

/// Removes a user.
///
/// # Errors
/// There is none of that name; a file that cannot be read or written.
pub fn remove(path: &Path, name: &str) -> Result<(), AppError> {
    let prepared = name_of(name).map_err(|why| AppError::Input(why.to_owned()))?;
    change(path, false, |file| match file.users.remove(&prepared) {
        Some(_) => Ok(()),
        None => {
            let names: Vec<_> = file.users.keys().map(String::as_str).take(5).collect();
            let known =
                if names.is_empty() { "there is nobody".to_owned() } else { names.join(", ") };
            Err(AppError::Input(format!("there is no user {prepared}: {known}")))
        }
    })
}

/// The names, in order.
///
/// # Errors
/// A file that cannot be read.
pub fn list(path: &Path) -> Result<Vec<String>, AppError> {
    let file = read(path).map_err(AppError::Input)?;
    Ok(file.users.into_keys().collect())
}

/// Reads, changes and writes the file, with nobody else at it.
fn change<T>(
    path: &Path,
    make: bool,
    with: impl FnOnce(&mut UserFile) -> Result<T, AppError>,
) -> Result<T, AppError> {
    // A file of links is written where it is, not where the link is.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let path = folder.join(path.file_name().unwrap_or_default());
    let held = File::open(folder).map_err(|error| AppError::io(folder, error))?;
    held.lock().map_err(|error| AppError::io(folder, error))?;
    let is_new = path.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    let mut file = match is_new && make {
        true => UserFile::default(),
        false => read(&path).map_err(AppError::Input)?,
    };
    let outcome = with(&mut file)?;
    write(&path, &file.to_text()).map_err(|error| AppError::io(&path, error))?;
    held.sync_all().map_err(|error| AppError::io(folder, error))?;
    Ok(outcome)
}

/// Whole or not at all, for its owner alone: the one it had, or the one of the folder, under
/// which the gate runs.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let word = chance::bytes::<6>().map_err(|error| io::Error::other(error.to_string()))?;
    let word = u64::from_ne_bytes([word[0], word[1], word[2], word[3], word[4], word[5], 0, 0]);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{word:x}"));
    let beside: PathBuf = path.with_file_name(name);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let outcome = written.and_then(|mut file| {
        let folder = beside.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = || folder.unwrap_or(Path::new(".")).metadata();
        let owner = path.metadata().or_else(|_| folder())?;
        let own = file.metadata()?;
        if (owner.uid(), owner.gid()) != (own.uid(), own.gid()) {
            // Only root can; for anybody else the file would be another's.
            let given = fchown(&file, Some(owner.uid()), Some(owner.gid()));
            if path.exists() {
                given?;
            }
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if outcome.is_err() {
        let _ = fs::remove_file(&beside);
    }
    outcome
}

#[cfg(test)]
mod tests;
