//! What the file means: values checked against each other and against this
//! machine, and the defaults that depend on something filled in.
//!
//! Two rules hold here. A gate never becomes an open relay by what was left out:
//! a listener that strangers can reach says who may use it. And a fault in one
//! value does not hide one in another: everything that can be looked at is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use policy::Streams;
use relay::Routes;

use super::admission::{self, Admissions};
use super::altered::Signing;
use super::choice::{EvidenceSync, Level};
use super::classes;
use super::fault::{Fault, Severity};
use super::file::{File, Listener};
use super::front_end;
use super::greeting;
use super::naming::{Domains, EvidencePath, HostName};
use super::section::{Maybe, Origin, Said, Section};
use super::settings::{EvidenceSettings, LedgerSettings, ListenerSettings, LogSettings, Settings};
use super::source::settle as settle_sources;
use super::stream::settle as settle_streams;
use super::{
    alert, altered, bond, dkim, enforcement, gate, limits, milter, routing, sender, smarthost, tls,
    users, waits,
};

/// What of the machine and the process the meaning depends on.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The system's host name.
    pub hostname: Option<String>,
    /// The variable `OPTGATE_LOG`.
    pub log_level: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            hostname: Some(name).filter(|n| super::network::is_host(n)),
            log_level: std::env::var("OPTGATE_LOG").ok().filter(|v| !v.is_empty()),
        }
    }
}

/// The longest path of a Unix socket (`sun_path` with its NUL).
const SOCKET_PATH_MAX: usize = 107;

/// Fills in, checks, and makes the settings; none when a part cannot be made.
pub(crate) fn settle(
    file: &mut File,
    folder: &Path,
    around: &Surroundings,
    faults: &mut Vec<Fault>,
) -> Option<Settings> {
    derive(file, around, faults);
    let hostname = file.server.hostname.get().map(|h| h.0.clone());
    if hostname.is_none() && matches!(file.server.hostname, Maybe::Absent) {
        faults.push(
            Fault::nowhere("this system has no host name")
                .help("add:\n[server]\nhostname = \"mail.example.com\""),
        );
    }
    let certificates = tls::certificates(&file.certificates, folder, faults);
    let mut listeners = listeners(file, hostname.as_deref(), folder, faults);
    smarthost::none_is_us(file, &listeners, hostname.as_deref(), faults);
    let smarthosts = smarthost::settle(file, folder, faults);
    let mut routes = routing::routes(&file.streams, &smarthosts, faults);
    bond::settle(&file.listeners, &mut listeners, &smarthosts, &mut routes, faults);
    let ledger = LedgerSettings {
        path: folder.join(&file.ledger.path.value.0),
        key_file: folder.join(&file.ledger.key_file.value.0),
        store: file.ledger.store.value,
        person: file.ledger.person.value.rules.clone(),
    };
    has_folder(&ledger.path, file.ledger.path.span(), faults);
    has_folder(&ledger.key_file, file.ledger.key_file.span(), faults);
    let evidence = evidence(file, folder, faults);
    let dkim = dkim::settle(&file.dkim, &listeners, folder, faults);
    let control = control(file, folder, faults);
    let sources = settle_sources(&file.sources, folder, &ledger.person, faults);
    classes::check(file, &listeners, faults);
    let streams = settle_streams(&file.streams, &listeners, faults);
    let rules = Streams::new(streams.clone());
    let named: Vec<&str> =
        file.streams.iter().filter_map(|one| Some(one.name.get()?.0.as_str())).collect();
    let gates = gate::settle(&file.gates, &named, &rules, &listeners, faults);
    let milters = milter::settle(&file.milters, &listeners, folder, faults);
    waits::check(
        file,
        waits::Asked { gates: &gates, milters: &milters },
        &rules,
        &listeners,
        faults,
    );
    let senders = sender::settle(&file.senders, faults);
    let signing = Signing {
        milters: &milters,
        dkim: &dkim,
        gates: &gates,
        senders: &senders,
        listeners: &listeners,
    };
    altered::check(file, signing, faults);
    Some(Settings {
        hostname: hostname?,
        own_domains: file.server.own_domains.get().map(|d| d.0.clone()).unwrap_or_default(),
        grace: file.server.grace.value.0,
        smarthosts,
        routes,
        certificates,
        dkim,
        users: users::settle(&file.users, &file.listeners, folder, faults),
        listeners,
        ledger,
        evidence,
        control: control?,
        streams,
        senders,
        gates,
        milters,
        enforcement: enforcement::settle(&file.enforcement),
        alert: alert::settle(&file.alert, folder, faults),
        sources,
        limits: limits::settle(&file.limits, faults),
        log: LogSettings {
            level: file.log.level.value,
            format: file.log.format.value,
            personal: file.log.personal.value.0,
        },
    })
}

fn derive(file: &mut File, around: &Surroundings, faults: &mut Vec<Fault>) {
    file.server.hostname.or_derive("the system's host name", || {
        around.hostname.as_deref().map(|h| HostName(h.to_ascii_lowercase()))
    });
    let hostname = file.server.hostname.get().map(|h| h.0.clone());
    if let Some(host) = hostname.filter(|h| !h.contains('.')) {
        let fault = Fault::nowhere(format!("the host name `{host}` is not fully qualified"))
            .severity(Severity::Warning)
            .help(
                "some servers refuse such a name; under [server]: hostname = \"mail.example.com\"",
            );
        faults.push(fault);
    }
    let hostname = file.server.hostname.get().map(|h| h.0.to_ascii_lowercase());
    file.server.own_domains.or_derive("the host name and its parent domain", || {
        let host = hostname.filter(|h| !h.starts_with('['))?;
        let parent = host.split_once('.').map(|(_, p)| p).filter(|p| p.contains('.'));
        let parent = parent.map(str::to_owned);
        Some(Domains(std::iter::once(host).chain(parent).collect()))
    });
    for listener in &mut file.listeners {
        let beyond = front_end::is_beyond(listener);
        admission::derive(&mut listener.allow, beyond);
    }
    bond::derive(file);
    tls::derive(file);
    let ledger = file.ledger.path.value.0.clone();
    file.control.socket.or_derive("beside the ledger", || {
        Some(super::form::FilePath(ledger.with_extension("sock")))
    });
    if let Some(word) = &around.log_level {
        match Level::WORDS.iter().find(|(name, _)| name == word) {
            Some((_, level)) => {
                file.log.level = Said { value: *level, origin: Origin::Environment("OPTGATE_LOG") };
            }
            None => faults.push(
                Fault::nowhere(format!("the environment variable OPTGATE_LOG is `{word}`"))
                    .help("one of error, warn, info, debug, trace"),
            ),
        }
    }
}

fn listeners(
    file: &File,
    hostname: Option<&str>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Vec<ListenerSettings> {
    let mut seen: BTreeMap<SocketAddr, Option<Range<usize>>> = BTreeMap::new();
    let mut out = Vec::new();
    let has_certificate = !file.certificates.is_empty();
    for listener in &file.listeners {
        let address = listener.address.value.0;
        let span = place(listener);
        if let Some(first) = seen.get(&address) {
            let mut fault = Fault::maybe_at(span.clone(), format!("two listeners on {address}"));
            if let Some(first) = first {
                fault = fault.related(first.clone(), "the first is here");
            }
            faults.push(fault);
        }
        seen.insert(address, span);
        users::check(listener, faults);
        users::check_ways(listener, faults);
        let beyond = front_end::is_beyond(listener);
        admission::check(&listener.allow, (address, beyond), place(listener), faults);
        front_end::check(listener, faults);
        out.push(ListenerSettings {
            address,
            allow: listener.allow.get().map(Admissions::ways).unwrap_or_default(),
            refuse_at: listener.refuse_at.value,
            tls: tls::listener(listener, has_certificate, place(listener), folder, faults),
            auth: users::offer(listener),
            routes: Routes::default(),
            proxy_protocol: front_end::networks(&listener.proxy_protocol),
            xclient: front_end::networks(&listener.xclient),
            action: listener.action.value,
            mixed: listener.mixed.value,
            way: listener.way.value,
            complete: listener.complete.value.0,
            greeting: greeting::settle(listener, hostname, faults),
            no_soliciting: listener.no_soliciting.get().map(|said| said.0.clone()),
        });
    }
    out
}

fn place(listener: &Listener) -> Option<Range<usize>> {
    listener.address.span().or_else(|| listener.heading())
}

fn has_folder(path: &Path, span: Option<Range<usize>>, faults: &mut Vec<Fault>) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|f| !f.is_dir()) {
        let message = format!("the folder {} is not there", folder.display());
        let fault = Fault::maybe_at(span.clone(), message).severity(Severity::Missing);
        faults.push(fault.help(format!("mkdir -p {}", folder.display())));
    }
    if path.is_dir() {
        let message = format!("{} is a folder, not a file", path.display());
        faults.push(Fault::maybe_at(span, message));
    }
}

/// Smaller files would be mostly their own beginnings and ends.
const ROTATE_MIN: u64 = 4 << 10;

fn evidence(file: &File, folder: &Path, faults: &mut Vec<Fault>) -> EvidenceSettings {
    let said = &file.evidence;
    let path = match &said.path.value {
        EvidencePath::Stdout => EvidencePath::Stdout,
        EvidencePath::File(path) => {
            let path = folder.join(path);
            has_folder(&path, said.path.span(), faults);
            EvidencePath::File(path)
        }
    };
    let rotate_size = said.rotate_size.value.0.map(|size| size.0);
    if rotate_size.is_some_and(|size| size < ROTATE_MIN) {
        let message = "an evidence file has at least 4 KiB";
        let fault = Fault::maybe_at(said.rotate_size.span(), message);
        faults.push(fault.help("for example rotate_size = \"256MiB\", or \"never\""));
    }
    if path == EvidencePath::Stdout {
        let sync = said.sync.span().filter(|_| said.sync.value == EvidenceSync::Always);
        let keys = [
            ("sync", sync),
            ("rotate_size", said.rotate_size.span()),
            ("rotate_age", said.rotate_age.span()),
        ];
        for (key, span) in keys {
            if let Some(span) = span {
                let message = format!("`{key}` has no meaning for standard output");
                faults.push(Fault::at(span, message).help("leave it out, or give a file as path"));
            }
        }
    }
    EvidenceSettings {
        path,
        recipient: said.recipient.value,
        sync: said.sync.value,
        rotate_size,
        rotate_age: said.rotate_age.value.0.map(|age| age.0),
    }
}

fn control(file: &File, folder: &Path, faults: &mut Vec<Fault>) -> Option<PathBuf> {
    let said = file.control.socket.said()?;
    let path = folder.join(&said.value.0);
    if path.as_os_str().len() > SOCKET_PATH_MAX {
        let message = format!(
            "the path of a socket may have {SOCKET_PATH_MAX} bytes; {} has {}",
            path.display(),
            path.as_os_str().len()
        );
        faults.push(
            Fault::maybe_at(said.span(), message)
                .help("under [control]: socket = \"/run/optgate.sock\""),
        );
        return None;
    }
    Some(path)
}
