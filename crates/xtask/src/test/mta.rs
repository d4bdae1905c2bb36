//! The two mail servers from Debian, installed or only unpacked.
//!
//! Debian's mail servers exclude each other, and a machine may have one in use.
//! So Postfix is installed only where no mail server is; where another one is,
//! Postfix is unpacked into `target/peers`, and Exim always is. The end-to-end
//! tests start both with configurations, ports and folders of their own; what is
//! installed on the machine is neither changed nor started.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::apt;
use super::found::{Found, fields, first_line, is_executable, on_path};
use super::places::Places;
use crate::processes;

/// The user that Debian's Exim is built to look up at its start.
const EXIM_USER: &str = "Debian-exim";

/// Installs Postfix where no mail server is, unpacks it where one is.
pub(super) fn install_postfix(places: &Places) -> Result<()> {
    if other_mta().is_some() {
        return apt::extract(&["postfix"], &places.peers.join("postfix"));
    }
    // Without this answer the package would write a configuration and start the
    // server.
    apt::preseed("postfix postfix/main_mailer_type select No configuration\n")?;
    apt::install_unchecked(&["postfix".to_owned()])
}

/// Unpacks Exim, whatever is installed.
pub(super) fn install_exim(places: &Places) -> Result<()> {
    apt::extract(&["exim4-daemon-light"], &places.peers.join("exim"))?;
    make_exim_user()
}

/// How a missing Postfix would come, for a person.
pub(super) fn origin_of_postfix() -> String {
    match other_mta() {
        None => "by apt-get install postfix (no mail server is here)".to_owned(),
        Some(mta) => format!("by apt-get download into target/peers/postfix ({mta} is here)"),
    }
}

/// How a missing Exim would come, for a person.
pub(super) fn origin_of_exim() -> String {
    "by apt-get download into target/peers/exim".to_owned()
}

/// The mail server this machine has, by package or by its `sendmail`.
fn other_mta() -> Option<String> {
    apt::installed_mta().or_else(|| on_path("sendmail"))
}

/// Postfix as it is installed, or as it was unpacked.
pub(super) fn find_postfix(places: &Places) -> Option<Found> {
    postfix_in(Path::new("/"), None).or_else(|| {
        let root = places.peers.join("postfix");
        let libraries = root.join("usr/lib/postfix").to_str()?.to_owned();
        postfix_in(&root, Some(libraries))
    })
}

fn postfix_in(root: &Path, libraries: Option<String>) -> Option<Found> {
    let daemons = root.join("usr/lib/postfix/sbin");
    let postconf = root.join("usr/sbin/postconf");
    if !is_executable(&daemons.join("master")) || !is_executable(&postconf) {
        return None;
    }
    let mut ask = Command::new(&postconf);
    // `-d`: the built-in values, so that no configuration of the machine is read.
    ask.args(["-dh", "mail_version"]);
    if let Some(folder) = &libraries {
        ask.env("LD_LIBRARY_PATH", folder);
    }
    let version = first_line(&mut ask)?;
    let folder = |path: PathBuf| path.to_str().map(str::to_owned);
    let mut fields = fields([
        ("daemons", &folder(daemons)?),
        ("commands", &folder(root.join("usr/sbin"))?),
        ("shared", &folder(root.join("usr/lib/postfix"))?),
    ]);
    if let Some(libraries) = libraries {
        fields.insert("libraries".to_owned(), libraries.into());
    }
    Some(Found { version, fields })
}

/// The unpacked Exim, when its libraries and its user are there.
pub(super) fn find_exim(places: &Places) -> Option<Found> {
    let program = places.peers.join("exim/usr/sbin/exim4");
    if !is_executable(&program) || !user_exists(EXIM_USER) {
        return None;
    }
    // The version is only told when all libraries are found; with no configuration
    // of its own it would look for the machine's.
    let version = first_line(Command::new(&program).args(["-C", "/dev/null", "-bV"]))?;
    let version = version.split(" #").next().unwrap_or(&version).replace("Exim version ", "");
    let program = program.to_str()?.to_owned();
    Some(Found {
        version,
        fields: fields([("program", &program), ("user", &EXIM_USER.to_owned())]),
    })
}

fn make_exim_user() -> Result<()> {
    if user_exists(EXIM_USER) {
        return Ok(());
    }
    println!("+ useradd --system {EXIM_USER} (Debian's Exim does not start without it)");
    let mut command = Command::new("useradd");
    command.args(["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]);
    command.args(["--shell", "/usr/sbin/nologin", EXIM_USER]);
    if !processes::run(&mut command, Duration::from_secs(60))?.success() {
        bail!("useradd could not make the user {EXIM_USER}");
    }
    Ok(())
}

fn user_exists(name: &str) -> bool {
    first_line(Command::new("getent").args(["passwd", name])).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::found::write_program;

    #[test]
    fn an_unpacked_postfix_is_found_with_its_libraries() {
        let root = tempfile::tempdir().unwrap();
        assert!(postfix_in(root.path(), None).is_none());
        for (file, text) in [
            ("usr/lib/postfix/sbin/master", "#!/bin/sh\n"),
            ("usr/sbin/postconf", "#!/bin/sh\necho 3.7 $LD_LIBRARY_PATH\n"),
        ] {
            write_program(&root.path().join(file), text);
        }
        let found = postfix_in(root.path(), Some("/somewhere".to_owned())).unwrap();
        assert_eq!(found.version, "3.7 /somewhere");
        assert_eq!(found.fields.get("libraries").unwrap(), "/somewhere");
    }

    #[test]
    fn root_exists_and_a_made_up_user_does_not() {
        assert!(user_exists("root"));
        assert!(!user_exists("no-such-user-here"));
    }
}
