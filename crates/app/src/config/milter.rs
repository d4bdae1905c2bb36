//! `[[milter]]`: filters that speak the milter protocol, in the order in which they are asked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxy::{MilterAddress, OnFailure};

use super::choice::FailureWord;
use super::fault::{Fault, Severity};
use super::form::{Flag, Form, Given, quoted};
use super::naming::SourceName;
use super::network::{HostPort, parse_host_port};
use super::of_listener;
use super::pattern::Addresses;
use super::quantity::Span;
use super::section::{
    KeyInfo, Maybe, Origin, Reader, Row, Rule, Said, Section, SectionInfo, section,
};
use super::settings::{ListenerSettings, MilterSettings};

const fn seconds(n: u64) -> Span {
    Span(Duration::from_secs(n))
}

section! {
    /// A filter that speaks the milter protocol, such as rspamd, OpenDKIM or clamav-milter. Several are asked in the order of the file, each over what the one before has left.
    Milter = "milter", many {
        /// Its name. It stands in the evidence, in the log and in `status`.
        name: MilterName = required("\"rspamd\""),
        /// Where it listens: a host and port, or a Unix socket. The forms of Sendmail and Postfix are understood: "inet:11332@localhost", "inet:localhost:11332", "local:/run/x.sock".
        address: MilterPlace = required("\"127.0.0.1:11332\""),
        /// Whether it may add and change header fields and the body. All of the content is held for it then, before the smarthost is asked for data; without, a copy is kept while it streams.
        changes: Flag = default(Flag(true)),
        /// Whether it reads content while that comes in, however long a client takes over it, and not only at its end. It needs `changes = false`, and a milter with patience.
        early: Flag = default(Flag(false)),
        /// It signs messages, as OpenDKIM does: what milters before it have changed is signed anew.
        signs: Flag = default(Flag(false)),
        /// What becomes of mail that it cannot be asked about: "defer" with 451; or "permit", it goes on without this filter, and the evidence says so.
        on_failure: FailureWord = default(FailureWord::Defer),
        /// For all it is asked about one message; what takes longer is a failure.
        cap: Span = default(seconds(60)),
        /// For a connection to it to be made; a part of `cap`.
        connect_timeout: Span = default(seconds(5)),
        /// The listeners whose mail it is shown.
        listener: Addresses = without("[\"127.0.0.1:2525\"]", "every listener"),
    }
}

/// The name of a milter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MilterName(pub(crate) String);

impl Form for MilterName {
    const NAME: &'static str = "a name";
    const EXAMPLE: &'static str = "\"rspamd\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        SourceName::read(given, faults).map(|name| Self(name.0))
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// Where a milter listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MilterPlace {
    Tcp(HostPort),
    Unix(PathBuf),
}

impl Form for MilterPlace {
    const NAME: &'static str = "where a milter listens";
    const EXAMPLE: &'static str = "\"127.0.0.1:11332\" or \"unix:/run/rspamd/milter.sock\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match place(text) {
            Ok(place) => Some(place),
            Err(why) => {
                let mut fault = given.wrong::<Self>(why);
                if text.starts_with('/') {
                    fault = fault.help(format!("a Unix socket: \"unix:{text}\""));
                }
                faults.push(fault);
                None
            }
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Tcp(address) => address.show(),
            Self::Unix(path) => quoted(&format!("unix:{}", path.display())),
        }
    }
}

fn place(text: &str) -> Result<MilterPlace, &'static str> {
    let path = text.strip_prefix("unix:").or_else(|| text.strip_prefix("local:"));
    if let Some(path) = path {
        return match path {
            "" => Err("the path is missing"),
            path if path.contains('\0') => Err("its path holds a NUL"),
            path => Ok(MilterPlace::Unix(path.into())),
        };
    }
    let inet = text.strip_prefix("inet:").or_else(|| text.strip_prefix("inet6:"));
    match inet.and_then(|inet| inet.split_once('@')) {
        Some((port, host)) if host.contains(':') && !host.starts_with('[') => {
            parse_host_port(&format!("[{host}]:{port}"))
        }
        Some((port, host)) => parse_host_port(&format!("{host}:{port}")),
        None => parse_host_port(inet.unwrap_or(text)),
    }
    .map(MilterPlace::Tcp)
}

pub(crate) fn settle(
    milters: &[Milter],
    listeners: &[ListenerSettings],
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Vec<MilterSettings> {
    let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    for milter in milters {
        named_once(milter, &mut names, faults);
        of_listener::known(&milter.listener, listeners, faults);
        sensible(milter, faults);
        out.extend(one(milter, folder));
    }
    out
}

fn named_once(
    milter: &Milter,
    names: &mut BTreeMap<String, Range<usize>>,
    faults: &mut Vec<Fault>,
) {
    let Some(said) = milter.name.said() else { return };
    let span = said.span().unwrap_or(0..0);
    match names.get(&said.value.0.to_ascii_lowercase()) {
        Some(first) => faults.push(
            Fault::at(span, format!("two milters are named \"{}\"", said.value.0))
                .related(first.clone(), "the first is here")
                .help("the evidence tells them by their names; give each its own"),
        ),
        None => {
            names.insert(said.value.0.to_ascii_lowercase(), span);
        }
    }
}

fn sensible(milter: &Milter, faults: &mut Vec<Fault>) {
    if milter.signs.value.0 && !milter.changes.value.0 {
        let message = "a milter that signs adds a header field";
        let fault = Fault::maybe_at(milter.signs.span(), message);
        faults.push(fault.help("changes = true, or leave `signs` out"));
    }
    if milter.early.value.0 && milter.changes.value.0 {
        let message = "a milter that may change a message is shown all of it at its end";
        let fault = Fault::maybe_at(milter.early.span(), message);
        faults.push(fault.help("changes = false, or leave `early` out"));
    }
    // The limit that nobody wrote ends with the cap.
    if milter.connect_timeout.value.0 > milter.cap.value.0
        && let Some(span) = milter.connect_timeout.span()
    {
        faults.push(
            Fault::at(span, "`connect_timeout` is longer than `cap`")
                .severity(Severity::Warning)
                .help("`cap` is for all of a message, the connection included"),
        );
    }
}

fn one(milter: &Milter, folder: &Path) -> Option<MilterSettings> {
    if matches!(milter.listener, Maybe::Bad) {
        return None;
    }
    Some(MilterSettings {
        milter: proxy::MilterSettings {
            name: milter.name.get()?.0.as_str().into(),
            address: match milter.address.get()? {
                MilterPlace::Tcp(address) => MilterAddress::Tcp(address.to_string()),
                MilterPlace::Unix(path) => MilterAddress::Unix(folder.join(path)),
            },
            changes: milter.changes.value.0,
            early: milter.early.value.0,
            on_failure: match milter.on_failure.value {
                FailureWord::Defer => OnFailure::Defer,
                FailureWord::Permit => OnFailure::Permit,
            },
            cap: milter.cap.value.0,
            connect_timeout: milter.connect_timeout.value.0,
        },
        signs: milter.signs.value.0,
        listeners: of_listener::addresses(&milter.listener),
    })
}
