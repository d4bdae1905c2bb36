//! The programs that the end-to-end tests stand on: what each proves, how it is
//! found, and where it comes from when it is missing.
//!
//! A new program is one more row in [`all`]. What a program needs itself (the
//! Python interpreter, Node.js) is the business of its row, so that leaving the
//! row out leaves that out too.

use std::process::Command;

use serde_json::Value;

use super::found::{Found, fields, first_line, on_path};
use super::mta;
use super::places::Places;
use super::unpacked::{self, Unpacked};

/// The pinned versions of what comes from a language's own registry.
const AIOSMTPD: &str = "1.4.6";
const PYSQLBRIDGE: &str = "2.1.3";
/// Node.js 18 of Debian 12 is enough for this one; version 10 wants Node.js 20.
pub(super) const NODEMAILER: &str = "7.0.9";

/// What a package from PyPI stands on.
const PYTHON: &[&str] = &["python3", "python3-venv"];

/// The interpreter for which Debian's Python packages are, whatever else is called so.
const DEBIANS_PYTHON: &str = "/usr/bin/python3";

/// One row: a program the tests need.
pub(crate) struct Need {
    /// The name for `--without`, and in the names of the tests that need it.
    pub(crate) name: &'static str,
    /// What it is there for, for a person.
    pub(crate) purpose: &'static str,
    /// Debian packages that must be installed for it.
    pub(super) packages: &'static [&'static str],
    pub(super) kind: Kind,
}

/// How a program is found and installed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A command of a Debian package: its name, and arguments that make it tell
    /// its version and fail when a part it needs is missing.
    Command(&'static str, &'static [&'static str]),
    /// A command of a Debian package, with the argument that makes it tell its version,
    /// somewhere in what it prints.
    Tool(&'static str, &'static str),
    Postfix,
    Exim,
    /// A server from Debian packages that is never installed.
    Unpacked(&'static Unpacked),
    /// The same, with paths built in: the tests lay its packages over the system's in a
    /// view of the file system of its own, which takes root.
    Overlaid(&'static Unpacked),
    /// A package from PyPI in a virtual environment of our own, with its version.
    Pip(&'static str, &'static str),
    /// A package from the npm registry in a folder of our own.
    Nodemailer,
}

/// Every program, in the order in which a person would ask for them.
pub(super) fn all() -> Vec<Need> {
    let need = |name, purpose, packages, kind| Need { name, purpose, packages, kind };
    vec![
        need("postfix", "smarthost: the most used one", &[], Kind::Postfix),
        need("exim", "smarthost: another reading of SMTP", &[], Kind::Exim),
        need("opensmtpd", "smarthost: a third", &[], Kind::Overlaid(&unpacked::OPENSMTPD)),
        need("dovecot", "logins for Postfix", &[], Kind::Overlaid(&unpacked::DOVECOT)),
        need(
            "aiosmtpd",
            "smarthost with scripted replies",
            PYTHON,
            Kind::Pip("aiosmtpd", AIOSMTPD),
        ),
        need(
            "curl",
            "client: the one of the quickstart",
            &["curl", "ca-certificates"],
            Kind::Command("curl", &["--version"]),
        ),
        need(
            "swaks",
            "client: scripted dialogues",
            &["swaks", "libnet-ssleay-perl"],
            Kind::Command("swaks", &["--version"]),
        ),
        need(
            "msmtp",
            "client: what cron jobs use",
            &["msmtp"],
            Kind::Command("msmtp", &["--version"]),
        ),
        need(
            "smtplib",
            "client: Python's own",
            &["python3"],
            Kind::Command(
                "python3",
                &[
                    "-c",
                    "import smtplib, email, platform; print('Python', platform.python_version())",
                ],
            ),
        ),
        need(
            "net-smtp",
            "client: Perl's own, Net::SMTP",
            &["perl", "libio-socket-ssl-perl", "libauthen-sasl-perl"],
            Kind::Command(
                "perl",
                &[
                    "-MNet::SMTP",
                    "-MIO::Socket::SSL",
                    "-MAuthen::SASL",
                    "-e",
                    "print qq{Perl $^V, Net::SMTP $Net::SMTP::VERSION\n}",
                ],
            ),
        ),
        need("opendkim", "milter: signs, verifies", &[], Kind::Unpacked(&unpacked::OPENDKIM)),
        need("rspamd", "milter: judges", &[], Kind::Unpacked(&unpacked::RSPAMD)),
        need("clamav", "milter: reads the body", &[], Kind::Unpacked(&unpacked::CLAMAV)),
        need(
            "pymilter",
            "milter: scripted",
            &["python3-milter"],
            Kind::Command(DEBIANS_PYTHON, &["-c", "import Milter; print(Milter.__version__)"]),
        ),
        need(
            "miltertest",
            "a mail server, as milters see one",
            &["miltertest"],
            Kind::Tool("miltertest", "-V"),
        ),
        need(
            "dkimpy",
            "another judge of signatures",
            &["python3-dkim", "python3-nacl"],
            Kind::Command(
                DEBIANS_PYTHON,
                &["-c", "import dkim, nacl, importlib.metadata as m; print(m.version('dkimpy'))"],
            ),
        ),
        need("haproxy", "front end: PROXY protocol", &[], Kind::Unpacked(&unpacked::HAPROXY)),
        need("nmap", "another judge of relays", &["nmap"], Kind::Tool("nmap", "--version")),
        need(
            "systemd",
            "socket activation; a judge of unit files",
            &["systemd"],
            Kind::Tool("systemd-analyze", "--version"),
        ),
        need("testssl", "another judge of TLS", &["testssl.sh"], Kind::Tool("testssl", "-v")),
        need(
            "strace",
            "what reaches the disk, and in which order",
            &["strace"],
            Kind::Command("strace", &["-V"]),
        ),
        need(
            "openssl",
            "keys of others; a client of TLS",
            &["openssl"],
            Kind::Command("openssl", &["version"]),
        ),
        need(
            "sqlite3",
            "the ledger, in the hands of another program",
            &["sqlite3"],
            Kind::Command("sqlite3", &["--version"]),
        ),
        need(
            "nodemailer",
            "client: what JavaScript shops use",
            &["nodejs", "npm"],
            Kind::Nodemailer,
        ),
        need(
            "postgresql",
            "list in a database",
            &["tzdata"],
            Kind::Unpacked(&unpacked::POSTGRESQL),
        ),
        need("mariadb", "list in a database", &[], Kind::Unpacked(&unpacked::MARIADB)),
        need(
            "pysqlbridge",
            "list in a database: speaks as SQL Server",
            PYTHON,
            Kind::Pip("pysqlbridge", PYSQLBRIDGE),
        ),
        need("openldap", "list in a directory", &[], Kind::Unpacked(&unpacked::OPENLDAP)),
        need("redis", "list in a store of sets", &[], Kind::Unpacked(&unpacked::REDIS)),
        need("nginx", "list behind a URL", &[], Kind::Unpacked(&unpacked::NGINX)),
        need(
            "promtool",
            "metrics, as Prometheus reads them",
            &[],
            Kind::Unpacked(&unpacked::PROMTOOL),
        ),
    ]
}

impl Need {
    /// The program, when it is here and works.
    pub(crate) fn find(&self, places: &Places) -> Option<Found> {
        match self.kind {
            Kind::Command(program, arguments) => {
                let path = on_path(program)?;
                let line = first_line(Command::new(&path).args(arguments))?;
                Some(Found {
                    version: number(&line, self.name),
                    fields: fields([("program", &path)]),
                })
            }
            Kind::Tool(program, argument) => {
                let path = on_path(program)?;
                let version = unpacked::version(path.as_ref(), argument, None)?;
                Some(Found { version, fields: fields([("program", &path)]) })
            }
            Kind::Postfix => mta::find_postfix(places),
            Kind::Exim => mta::find_exim(places),
            Kind::Unpacked(server) | Kind::Overlaid(server) => server.find(self.name, places),
            Kind::Pip(package, _) => {
                let python = places.peers.join("py/bin/python").to_str()?.to_owned();
                let ask = format!(
                    "import {package}, importlib.metadata as m; print(m.version('{package}'))"
                );
                let version = first_line(Command::new(&python).args(["-c", &ask]))?;
                Some(Found { version, fields: fields([("program", &python)]) })
            }
            Kind::Nodemailer => {
                let node = on_path("node")?;
                let modules = places.peers.join("npm/node_modules");
                let package = modules.join("nodemailer/package.json");
                let package: Value =
                    serde_json::from_str(&std::fs::read_to_string(package).ok()?).ok()?;
                let runtime = first_line(Command::new(&node).arg("--version"))?;
                let version = format!("{} (Node.js {runtime})", package.get("version")?.as_str()?);
                let modules = modules.to_str()?.to_owned();
                Some(Found { version, fields: fields([("program", &node), ("modules", &modules)]) })
            }
        }
    }

    /// Where it comes from when it is missing, for a person.
    pub(crate) fn origin(&self) -> String {
        match self.kind {
            Kind::Command(..) | Kind::Tool(..) => {
                format!("by apt-get install {}", self.packages.join(" "))
            }
            Kind::Postfix => mta::origin_of_postfix(),
            Kind::Exim => mta::origin_of_exim(),
            Kind::Unpacked(server) | Kind::Overlaid(server) => server.origin(self.name),
            Kind::Pip(package, version) => {
                format!("by pip, {package} {version}, into target/peers/py")
            }
            Kind::Nodemailer => format!("by npm, nodemailer {NODEMAILER}, into target/peers/npm"),
        }
    }

    /// Whether it comes by apt, beside its `packages`.
    pub(super) fn is_from_debian(&self) -> bool {
        self.is_mta() || matches!(self.kind, Kind::Unpacked(_) | Kind::Overlaid(_))
    }

    /// Whether it is a mail server of the system, which only root can start.
    pub(crate) fn is_mta(&self) -> bool {
        matches!(self.kind, Kind::Postfix | Kind::Exim | Kind::Overlaid(_))
    }
}

/// `curl 7.88.1 (x86_64) libcurl/7.88.1` is `7.88.1`.
fn number(line: &str, name: &str) -> String {
    let line = line.split(" (").next().unwrap_or(line);
    let line = line.strip_prefix(name).unwrap_or(line).trim_start();
    line.strip_prefix("version").unwrap_or(line).trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_with_its_version_and_a_missing_one_is_not() {
        let places = Places { peers: "/nonexistent".into() };
        let need = |program| Need {
            name: "sh",
            purpose: "",
            packages: &["dash"],
            kind: Kind::Command(program, &["-c", "echo; echo 1.2"]),
        };
        let found = need("sh").find(&places).unwrap();
        assert_eq!(found.version, "1.2");
        assert!(found.fields.get("program").unwrap().as_str().unwrap().ends_with("/sh"));
        assert!(need("no-such-program-here").find(&places).is_none());
    }

    #[test]
    fn the_version_is_told_without_the_name() {
        assert_eq!(number("curl 7.88.1 (x86_64) libcurl/7.88.1", "curl"), "7.88.1");
        assert_eq!(number("msmtp version 1.8.23", "msmtp"), "1.8.23");
        assert_eq!(number("Python 3.11.7", "smtplib"), "Python 3.11.7");
    }

    #[test]
    fn names_are_unique_and_no_part_of_another() {
        // `--skip NAME` leaves out tests by a part of their names.
        let names: Vec<&str> = all().iter().map(|n| n.name).collect();
        for (i, name) in names.iter().enumerate() {
            assert!(names.iter().enumerate().all(|(j, other)| i == j || !other.contains(name)));
        }
    }
}
