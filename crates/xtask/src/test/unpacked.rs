//! Programs from Debian packages that would start a server when installed.
//!
//! Installing such a package makes a service of it: it listens on a port that
//! everybody knows, and does so again after each start of the machine. None is
//! installed for a test, therefore. One that is here is taken as it is; else its
//! package is unpacked into `target/peers`, and only the libraries it needs are
//! installed. The end-to-end tests start it with a configuration, a folder and a
//! port of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use super::apt;
use super::found::{Found, is_executable};
use super::places::Places;

/// One row: packages that are unpacked, and what the tests want from them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// The packages. One that only stands for its newest version (`postgresql`) is
    /// followed to that.
    pub(super) packages: &'static [&'static str],
    /// The programs: the field in the manifest, the path below the root, and the
    /// argument that makes it tell its version (none: it has no such thing). The
    /// first one's version is the server's. A `*` as one step of a path stands for
    /// the highest number there.
    pub(super) programs: &'static [(&'static str, &'static str, Option<&'static str>)],
}

pub(super) static POSTGRESQL: Unpacked = Unpacked {
    packages: &["postgresql", "postgresql-client"],
    programs: &[
        ("program", "usr/lib/postgresql/*/bin/postgres", Some("--version")),
        ("initdb", "usr/lib/postgresql/*/bin/initdb", Some("--version")),
        ("client", "usr/lib/postgresql/*/bin/psql", Some("--version")),
    ],
};

pub(super) static MARIADB: Unpacked = Unpacked {
    packages: &["mariadb-server-core", "mariadb-client-core"],
    programs: &[
        ("program", "usr/sbin/mariadbd", Some("--version")),
        ("install", "usr/bin/mariadb-install-db", None),
        ("resolveip", "usr/bin/resolveip", Some("--version")),
        ("client", "usr/bin/mariadb", Some("--version")),
    ],
};

pub(super) static OPENLDAP: Unpacked = Unpacked {
    packages: &["slapd", "ldap-utils"],
    programs: &[
        ("program", "usr/sbin/slapd", Some("-VV")),
        ("add", "usr/bin/ldapmodify", Some("-VV")),
    ],
};

pub(super) static REDIS: Unpacked = Unpacked {
    packages: &["redis-server", "redis-tools"],
    programs: &[
        ("program", "usr/bin/redis-server", Some("--version")),
        ("client", "usr/bin/redis-cli", Some("--version")),
    ],
};

pub(super) static NGINX: Unpacked =
    Unpacked { packages: &["nginx"], programs: &[("program", "usr/sbin/nginx", Some("-v"))] };

pub(super) static PROMTOOL: Unpacked = Unpacked {
    packages: &["prometheus"],
    programs: &[("program", "usr/bin/promtool", Some("--version"))],
};

pub(super) static HAPROXY: Unpacked =
    Unpacked { packages: &["haproxy"], programs: &[("program", "usr/sbin/haproxy", Some("-v"))] };

pub(super) static DOVECOT: Unpacked = Unpacked {
    packages: &["dovecot-core"],
    programs: &[("program", "usr/sbin/dovecot", Some("--version"))],
};

pub(super) static OPENSMTPD: Unpacked =
    Unpacked { packages: &["opensmtpd"], programs: &[("program", "usr/sbin/smtpd", Some("-h"))] };

pub(super) static OPENDKIM: Unpacked = Unpacked {
    packages: &["opendkim", "opendkim-tools"],
    programs: &[
        ("program", "usr/sbin/opendkim", Some("-V")),
        ("testmsg", "usr/sbin/opendkim-testmsg", None),
    ],
};

pub(super) static RSPAMD: Unpacked = Unpacked {
    packages: &["rspamd"],
    programs: &[("program", "usr/bin/rspamd", Some("--version"))],
};

pub(super) static CLAMAV: Unpacked = Unpacked {
    packages: &["clamav-daemon", "clamav-milter"],
    programs: &[
        // Asked for its version alone it wants its configuration first.
        ("program", "usr/sbin/clamd", Some("--help")),
        ("milter", "usr/sbin/clamav-milter", Some("--version")),
    ],
};

impl Unpacked {
    /// The programs of this machine, or those that were unpacked for need `name`.
    pub(super) fn find(&self, name: &str, places: &Places) -> Option<Found> {
        let unpacked = places.peers.join(name);
        self.find_in(Path::new("/"), None)
            .or_else(|| self.find_in(&unpacked, Some(&libraries(&unpacked))))
    }

    /// `libraries`: where the packages have libraries of their own, which the system
    /// does not know.
    fn find_in(&self, root: &Path, libraries: Option<&str>) -> Option<Found> {
        let mut found = Found { version: String::new(), fields: serde_json::Map::new() };
        for (field, path, argument) in self.programs {
            let program = below(root, path)?;
            if !is_executable(&program) {
                return None;
            }
            // Told only when all its libraries are there.
            let version = match argument {
                Some(argument) => version(&program, argument, libraries)?,
                None => String::new(),
            };
            if found.version.is_empty() {
                found.version = version;
            }
            found.fields.insert((*field).to_owned(), program.to_str()?.into());
        }
        found.fields.insert("root".to_owned(), root.to_str()?.into());
        if let Some(libraries) = libraries {
            found.fields.insert("libraries".to_owned(), libraries.into());
        }
        Some(found)
    }

    /// Unpacks it for need `name`.
    pub(super) fn install(&self, name: &str, places: &Places) -> Result<()> {
        apt::extract(self.packages, &places.peers.join(name))
    }

    /// How it would come, for a person.
    pub(super) fn origin(&self, name: &str) -> String {
        let packages = self.packages.join(" ");
        format!("by apt-get download {packages} into target/peers/{name}")
    }
}

/// A path below a root, with the highest number in the place of a `*`.
fn below(root: &Path, path: &str) -> Option<PathBuf> {
    path.split('/').try_fold(root.to_owned(), |folder, step| {
        if step != "*" {
            return Some(folder.join(step));
        }
        let names = std::fs::read_dir(&folder).ok()?.flatten();
        let numbers = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        Some(folder.join(numbers.max()?.to_string()))
    })
}

/// The folders of shared libraries below a root (`usr/lib/x86_64-linux-gnu`, and the one
/// that is called as the root is: `usr/lib/dovecot`), as `LD_LIBRARY_PATH` takes them.
fn libraries(root: &Path) -> String {
    let own = root.file_name().unwrap_or_default();
    let folders = std::fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
    let folders = folders.filter(|folder| {
        let name = folder.file_name();
        name == own || name.to_string_lossy().contains("-linux-gnu")
    });
    let paths = folders.filter_map(|folder| folder.path().to_str().map(str::to_owned));
    paths.collect::<Vec<_>>().join(":")
}

/// What a program tells of its version, on whichever stream.
pub(super) fn version(program: &Path, argument: &str, libraries: Option<&str>) -> Option<String> {
    let mut command = Command::new(program);
    if let Some(libraries) = libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    let output = command.arg(argument).stdin(Stdio::null()).output().ok()?;
    // Some tell it as a part of a complaint; a library that is missing is 127.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return None;
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).replace(program.to_str()?, "");
    number(&text).map(str::to_owned)
}

/// The first word that is a version: digits, a dot, digits; perhaps behind a `v`.
fn number(text: &str) -> Option<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "=/,()".contains(c));
    let words = words.map(|word| word.strip_prefix('v').unwrap_or(word));
    let mut versions = words.filter(|word| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < word.len()
            && digits.strip_prefix('.').is_some_and(|d| d.starts_with(|c: char| c.is_ascii_digit()))
    });
    versions.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::found::write_program;

    static MADE_UP: Unpacked = Unpacked {
        packages: &["made-up"],
        programs: &[("program", "lib/*/served", Some("-v")), ("tool", "bin/tool", None)],
    };

    #[test]
    fn a_server_is_found_when_all_its_programs_are_there_in_the_highest_version() {
        let root = tempfile::tempdir().unwrap();
        write_program(&root.path().join("lib/9/served"), "#!/bin/sh\necho served 9.6\n");
        write_program(
            &root.path().join("lib/15/served"),
            "#!/bin/sh\necho \"$0: served 15.2\" >&2\n",
        );
        assert!(MADE_UP.find_in(root.path(), None).is_none(), "one program is missing");
        write_program(&root.path().join("bin/tool"), "");
        let found = MADE_UP.find_in(root.path(), None).unwrap();
        assert_eq!(found.version, "15.2");
        let program = found.fields.get("program").unwrap().as_str().unwrap();
        assert!(program.ends_with("lib/15/served"), "{program}");
        let needy = "#!/bin/sh\n[ -e \"$LD_LIBRARY_PATH/libown.so\" ] && echo 15.3\n";
        write_program(&root.path().join("lib/15/served"), needy);
        assert!(MADE_UP.find_in(root.path(), None).is_none(), "a library is missing");
        write_program(&root.path().join("usr/lib/my-linux-gnu/libown.so"), "");
        let own = libraries(root.path());
        let found = MADE_UP.find_in(root.path(), Some(&own)).unwrap();
        assert_eq!(found.version, "15.3");
        assert_eq!(found.fields.get("libraries").unwrap(), &own);
    }

    #[test]
    fn a_version_is_picked_out_of_what_programs_say() {
        for (said, version) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
            ("  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu", "10.11.19-MariaDB-0+deb12u1"),
            ("@(#) $OpenLDAP: slapd 2.5.13+dfsg-5 (Feb  8 2023 01:56:12) $", "2.5.13+dfsg-5"),
            ("Redis server v=7.0.15 sha=00000000:0", "7.0.15"),
            ("nginx version: nginx/1.22.1", "1.22.1"),
            ("version: OpenSMTPD 6.8.0p2\nusage: smtpd [-dFhnv]", "6.8.0p2"),
            ("2.3.19.1 (9b53102964)", "2.3.19.1"),
            ("opendkim: OpenDKIM Filter v2.11.0\n\tCompiled with OpenSSL 3.0.19", "2.11.0"),
            ("    testssl       3.0.8 from https://testssl.sh/", "3.0.8"),
            ("promtool, version 2.42.0+ds (branch: debian/sid)", "2.42.0+ds"),
        ] {
            assert_eq!(number(said), Some(version));
        }
        assert_eq!(number("no version 7"), None);
    }
}
