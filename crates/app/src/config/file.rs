//! What the file says: every section and key there is, with its form, its default
//! and the sentence about it. What the values mean together is [`super::meaning`]'s.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::admission::Admissions;
use super::alert::Alert;
use super::choice::{
    Action, AuthWord, CalendarWord, ClassWord, Contact, EvidenceSync, Identity, Level, ListenerTls,
    LogFormat, Mixed, NoticeLines, PermissionWord, RefuseAt, SmarthostTls, Store, Way,
};
use super::credentials::{LoginName, MechanismName, TokenUrl};
use super::dkim::Dkim;
use super::document::{empty, many, one, one_or_many};
use super::fault::Fault;
use super::form::{Count, FilePath, Flag, Form, Text};
use super::gate::Gate;
use super::limits::Limits;
use super::location::Variable;
use super::mechanisms::{Mechanisms, Users};
use super::milter::Milter;
use super::naming::{Domains, EvidencePath, HostName};
use super::network::{HostPort, Listen, Networks};
use super::notice::Notice;
use super::pattern::{Addresses, Fields, Keywords, Logins, Senders};
use super::person::Person;
use super::pin::{Pins, TlsName};
use super::quantity::{GraceSaid, Size, SizeOrNever, Span, SpanOrNever};
use super::recipient::Argv;
use super::route::{SmarthostName, SmarthostNames};
use super::scope::{ListNames, StreamName};
use super::section::{
    KeyInfo, Maybe, Origin, Reader, Row, Rule, Said, Section, SectionInfo, section, unknown,
};
use super::sender::Sender;
use super::solicitation::ClassList;
use super::source::keys::Source;

const fn seconds(n: u64) -> Span {
    Span(Duration::from_secs(n))
}

section! {
    /// This host, as its clients see it.
    Server = "server", one {
        /// The name in the greeting, in the reply to EHLO and in the Received field.
        hostname: HostName = without("\"mail.example.com\"", "the system's host name"),
        /// Mail to postmaster at these domains always passes (RFC 5321 s4.5.1).
        own_domains: Domains = without("[\"example.com\"]", "the host name and its parent domain"),
        /// How long sessions in the middle of a message may take to end when the gate is stopped. The reply to a final dot can take as long as `[smarthost] reply_timeout`; what is not over by then is cut off, and the client sends it again. systemd must wait longer than this (TimeoutStopSec).
        grace: Span = default(seconds(60)),
    }
}

section! {
    /// The real mail server: what `mail.example.com` used to be. There may be several: [[smarthost]].
    Smarthost = "smarthost", many {
        /// Where it listens. The one key without a default.
        address: HostPort = required("\"relay.corp.example:587\""),
        /// Its name, for streams and for `status`.
        name: SmarthostName = without("\"main\"", "its address"),
        /// Mail goes to one with the lowest number that can be had.
        priority: Count<0, 1_000> = default(Count(1)),
        /// Its share of the mail among those of the same priority.
        weight: Count<1, 1_000> = default(Count(1)),
        /// When it is contacted: "recipient", at the first recipient that may be mailed; or "sender", at MAIL already.
        contact: Contact = default(Contact::Recipient),
        /// TLS: "off"; "opportunistic", STARTTLS where it is offered, with whoever answers; "required", STARTTLS with the right server, or nothing; or "implicit", the same from the first byte on.
        tls: SmarthostTls = without("\"required\"", "\"implicit\" on port 465; \"required\" with a login or a key that says who the server must be; else \"opportunistic\""),
        /// The name its certificate must be for.
        tls_name: TlsName = without("\"relay.corp.example\"", "the host in `address`"),
        /// A file with the authorities that are believed (PEM).
        tls_ca: FilePath = without("\"/etc/optgate/authority.pem\"", "those of the system"),
        /// Digests of public keys of which it must have one. Nothing else is asked of its certificate then: it may be self-signed.
        tls_pin: Pins = without("[\"sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"]", "any key, if the certificate is good"),
        /// A certificate that is shown if it asks for one (PEM, with those up to the authority).
        tls_certificate: FilePath = without("\"/etc/optgate/client.pem\"", "none"),
        /// Its key (PEM, not encrypted).
        tls_key: FilePath = without("\"/etc/optgate/client.key\"", "none"),
        /// The user that the gate logs in as.
        login: LoginName = without("\"optgate@corp.example\"", "it does not log in"),
        /// A file whose first line is the password. Read for each connection.
        password_file: FilePath = without("\"/etc/optgate/smarthost.password\"", "no password"),
        /// The environment variable with the password.
        password_env: Variable = without("\"SMARTHOST_PASSWORD\"", "no password"),
        /// How it logs in: PLAIN, LOGIN or SCRAM-SHA-256 with a password; XOAUTH2 or OAUTHBEARER with a token.
        mechanism: MechanismName = without("\"XOAUTH2\"", "the best that is offered"),
        /// A file whose first line is an OAuth 2.0 access token that somebody else keeps fresh. Read for each connection.
        token_file: FilePath = without("\"/run/optgate/token\"", "no token"),
        /// A program that prints an access token as its first line; run without a shell.
        token_command: Argv = without("[\"/usr/local/bin/mail-token\"]", "no token"),
        /// A token endpoint: access tokens by the client credentials grant (RFC 6749 s4.4).
        token_url: TokenUrl = without("\"https://login.corp.example/oauth2/token\"", "no token"),
        /// As whom it asks there.
        client_id: Text = without("\"8c0c1c4e-optgate\"", "none; needed with `token_url`"),
        /// A file whose first line is the secret of `client_id`.
        client_secret_file: FilePath = without("\"/etc/optgate/client.secret\"", "none"),
        /// The environment variable with the secret of `client_id`.
        client_secret_env: Variable = without("\"CLIENT_SECRET\"", "none"),
        /// What the token is to be good for.
        token_scope: Text = without("\"https://outlook.office365.com/.default\"", "what the server gives"),
        /// Whether it is told who the clients are, if it offers that: "off"; "xforward", for its log; or "xclient", each connection is one client's and is treated as such.
        identity: Identity = default(Identity::Off),
        /// How long a connection may take to be made.
        connect_timeout: Span = default(seconds(30)),
        /// How long a reply to a command may take.
        command_timeout: Span = default(seconds(300)),
        /// How long the smarthost may take no mail data (RFC 5321 s4.5.3.2.5).
        data_timeout: Span = default(seconds(180)),
        /// How long the reply to the final dot may take. Shorter than what clients wait, 10 minutes (RFC 5321 s4.5.3.2.6), so that they hear about it.
        reply_timeout: Span = default(seconds(570)),
        /// Connections to it at a time. Who needs one more waits, as long as a connection may take to be made.
        connections: Count<1, 100_000> = default(Count(1_000)),
        /// Connections that are kept open between messages, for any client.
        idle: Count<0, 10_000> = default(Count(20)),
        /// How long a connection is kept without a message. Less than the smarthost waits (300 s in Postfix and Exim).
        idle_timeout: Span = default(seconds(60)),
        /// How old a connection may be when another message begins on it.
        connection_age: Span = default(seconds(300)),
        /// Messages on one connection. Exim ends one after 1000.
        messages_per_connection: Count<1, 1_000_000> = default(Count(500)),
    }
}

section! {
    /// Where clients submit mail, and who may.
    Listener = "listener", many {
        /// The address and port to listen on.
        address: Listen = default(Listen(std::net::SocketAddr::from(([127, 0, 0, 1], 2525)))),
        /// Who may relay, nobody else: each entry is a way in, a network, "login" or "certificate"; or several that must hold together, joined by "+".
        allow: Admissions = without("[\"10.0.0.0/8\", \"2001:db8::/32\"]", "the loopback networks on a loopback address; required on any other"),
        /// When a client is refused that may not relay whatever it does: at the "greeting", with 554; or at "mail", with 550.
        refuse_at: RefuseAt = default(RefuseAt::Greeting),
        /// TLS: "off"; "starttls", offered; "required", without it mail is not taken; or "implicit", before the greeting (port 465).
        tls: ListenerTls = without("\"starttls\"", "\"starttls\" where there is a [[certificate]], else \"off\""),
        /// A file with the authorities whose certificates are believed when clients show them (PEM). Any other counts as none.
        client_ca: FilePath = without("\"/etc/optgate/clients.pem\"", "clients are not asked for certificates"),
        /// Whom clients log in to: "off", nobody; "users", this gate, as one of the users that `optgate user` adds; or "smarthost": the exchange is passed through.
        auth: AuthWord = default(AuthWord::Off),
        /// The smarthost they log in to with auth = "smarthost", by its name. All mail of this listener goes there, over connections that are each one client's alone.
        smarthost: SmarthostName = without("\"main\"", "the only one there is"),
        /// How users log in. All that there are: a client takes what it can do.
        mechanisms: Mechanisms = default(Mechanisms::all()),
        /// Whether a password may come in without TLS, where others can read it. SCRAM-SHA-256 does not show it and is offered in any case.
        auth_without_tls: Flag = default(Flag(false)),
        /// Front ends that connect for their clients and say who these are by the PROXY protocol, version 1 or 2. Nobody else may connect then, and `allow` is about the clients.
        proxy_protocol: Networks = without("[\"10.0.0.5\"]", "clients connect by themselves"),
        /// Front ends that may say who their clients are by XCLIENT. `allow` is about the clients; a front end that is not in it can send XCLIENT, and no mail of its own.
        xclient: Networks = without("[\"10.0.0.6\"]", "nobody"),
        /// What is done about a recipient that must not be mailed: "refuse" it with 550; "drop", answer 250 and do not forward it; or "shadow", forward it and record what would have been done.
        action: Action = default(Action::Refuse),
        /// What is done when a message is to recipients who have to be decided apart, because its header will decide what kind of mail it is: "defer" the odd ones with 452, so that the client offers them again by themselves; or "refuse" the whole message, for clients that do not try again.
        mixed: Mixed = default(Mixed::Defer),
        /// The way of messages: "through", the smarthost gets the content as it comes, and the final dot once everybody has agreed; or "held", the content is kept until it is complete, and the smarthost waits before DATA. What gates and milters need may be more than that.
        way: Way = default(Way::Through),
        /// Whether Date and Message-ID are added to messages without them (RFC 6409 s8): only where programs and people submit mail, not where servers relay it. DATA waits for the header then.
        complete: Flag = default(Flag(false)),
        /// NO-SOLICITING (RFC 3865) is offered, and messages of these classes of solicitation are refused: by SOLICIT= at MAIL, by the header Solicitation at the dot. `[]` refuses none. Which classes a recipient refuses, the ledger says.
        no_soliciting: ClassList = without("[\"net.example:ADV\"]", "offered only where a stream has `solicit`"),
        /// A text in the greeting, behind "220 host name ESMTP": your own, or a ready one. `ready = "california-17538.45"` needs `provider`, and may have `policy`, the page where the policy can be read. `ready = "no-uce"` needs `country` and `state`, and may have `bulk = true`. `text` stands behind them. See docs/notice.md.
        notice: Notice = without("\"No unsolicited commercial mail.\"", "no text"),
        /// What is done with a greeting longer than a reply line, 512 octets: "one", it is a mistake; or "wrap", it has several lines, parted at words.
        notice_lines: NoticeLines = default(NoticeLines::One),
        /// The version of the text, by which the evidence names it besides its hash.
        notice_version: Text = without("\"2026-03\"", "that of the ready texts"),
    }
}

section! {
    /// A certificate of this host. Of several, the one for the name a client asks for is used; the first is for all others. A changed file is read again within seconds.
    Certificate = "certificate", many {
        /// The certificate, and behind it those up to the authority (PEM).
        certificate: FilePath = required("\"/etc/ssl/mail.pem\""),
        /// Its key (PEM, not encrypted, not for everybody to read).
        key: FilePath = required("\"/etc/ssl/mail.key\""),
    }
}

section! {
    /// What kind of mail a message is. The first stream of which every condition holds is the one; a condition holds if one of its patterns does, and a stream without conditions takes everything. What no stream takes is commercial mail about anything.
    Stream = "stream", many {
        /// Its name. It stands in the evidence, in reports, and in some refusals.
        name: StreamName = required("\"receipts\""),
        /// "commercial", or "transactional": what a person asked for or must get. Transactional mail passes every objection but those of scope "all".
        class: ClassWord = default(ClassWord::Commercial),
        /// The lists, brands or lines of business it is about: objections to another one do not stop it.
        scopes: ListNames = default(ListNames(Vec::new())),
        /// Whom it may reach: "opt-out", everybody who did not object; or "opt-in", only who is on record as having agreed.
        permission: PermissionWord = default(PermissionWord::OptOut),
        /// The smarthosts its mail may go to.
        smarthost: SmarthostNames = without("[\"main\"]", "all of them"),
        /// Condition: the listener it came in by.
        listener: Addresses = without("[\"127.0.0.1:2525\"]", "any"),
        /// Condition: the name the client has logged in with.
        login: Logins = without("[\"erp\", \"shop-*\"]", "any, or none"),
        /// Condition: the client's network.
        client: Networks = without("[\"10.1.0.0/16\", \"192.0.2.7\"]", "any"),
        /// Condition: the sender of the envelope, an address, a domain with its @, or "<>". A star stands for any text.
        sender: Senders = without("[\"invoice@corp.example\", \"@erp.corp.example\", \"<>\"]", "any"),
        /// Condition: a keyword of the parameter SOLICIT= (RFC 3865). A star stands for any text.
        solicit: Keywords = without("[\"org.example:ADV\"]", "any, or none"),
        /// Condition: header fields, each with patterns for its text; all fields must be there, and one that is there several times must fit each time (once is enough for a stream that needs consent). Such a stream is decided when the header has arrived.
        header: Fields = without("{ \"List-Id\" = [\"*<news.corp.example>\"] }", "any"),
    }
}

section! {
    /// How objections are enforced.
    Enforcement = "enforcement", one {
        /// From when on an opt-out is enforced: "at once"; or after as many business days as the law allows at most, such as "10 business days" (15 U.S.C. 7704(a)(4)). Complaints, blocks and bounces are enforced at once in any case.
        grace: GraceSaid = default(GraceSaid(None)),
        /// Which days are business days: "weekdays", Monday to Friday; or "us-federal", those without the federal holidays, which gives the later deadline. Also for `report deadlines`.
        calendar: CalendarWord = default(CalendarWord::Weekdays),
    }
}

section! {
    /// The record of opt-outs.
    Ledger = "ledger", one {
        /// The SQLite file. Relative paths are seen from the folder of this file.
        path: FilePath = default(FilePath("optgate.db".into())),
        /// The key under which addresses are hashed. Made when the ledger is made; keep a copy, the ledger is of no use without it.
        key_file: FilePath = default(FilePath("optgate.key".into())),
        /// Whether the ledger holds addresses "hashed" only, or "plain" as well.
        store: Store = default(Store::Hashed),
        /// When two addresses are the same person.
        person: Person = default(Person::default()),
    }
}

section! {
    /// The record of what was decided, why, and what the smarthost said.
    Evidence = "evidence", one {
        /// A file of JSON lines, or "stdout".
        path: EvidencePath = default(EvidencePath::File("evidence.jsonl".into())),
        /// Whether it names recipients "hashed" or "plain".
        recipient: Store = default(Store::Hashed),
        /// When the record of a message is safe, so that its final dot may go to the smarthost: "system", when the operating system has it; or "always", when it is on the disk.
        sync: EvidenceSync = default(EvidenceSync::System),
        /// The size at which a file is closed, compressed, and a new one begun.
        rotate_size: SizeOrNever = default(SizeOrNever(Some(Size(256 << 20)))),
        /// The age at which a file is closed, compressed, and a new one begun.
        rotate_age: SpanOrNever = default(SpanOrNever(None)),
    }
}

section! {
    /// How commands reach the running gate.
    Control = "control", one {
        /// The Unix socket.
        socket: FilePath = without("\"optgate.sock\"", "beside the ledger, named as it with .sock"),
    }
}

section! {
    /// What is written to standard error.
    Log = "log", one {
        /// How much: "error", "warn", "info", "debug" or "trace". The environment variable OPTGATE_LOG comes first.
        level: Level = default(Level::Info),
        /// "text", or "json": one object a line.
        format: LogFormat = default(LogFormat::Text),
        /// Whether addresses of people may be written to the log.
        personal: Flag = default(Flag(false)),
    }
}

/// All that a file says.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// `[server]`
    pub(crate) server: Server,
    /// `[smarthost]` or `[[smarthost]]`; one with nothing said when there is none in the file.
    pub(crate) smarthosts: Vec<Smarthost>,
    /// `[[listener]]`; one with all defaults when there is none in the file.
    pub(crate) listeners: Vec<Listener>,
    /// `[[certificate]]`
    pub(crate) certificates: Vec<Certificate>,
    /// `[[dkim]]`
    pub(crate) dkim: Vec<Dkim>,
    /// `[users]`
    pub(crate) users: Users,
    /// `[ledger]`
    pub(crate) ledger: Ledger,
    /// `[evidence]`
    pub(crate) evidence: Evidence,
    /// `[control]`
    pub(crate) control: Control,
    /// `[[stream]]`
    pub(crate) streams: Vec<Stream>,
    /// `[[sender]]`
    pub(crate) senders: Vec<Sender>,
    /// `[[gate]]`
    pub(crate) gates: Vec<Gate>,
    /// `[[milter]]`
    pub(crate) milters: Vec<Milter>,
    /// `[enforcement]`
    pub(crate) enforcement: Enforcement,
    /// `[[source]]`
    pub(crate) sources: Vec<Source>,
    /// `[alert]`
    pub(crate) alert: Alert,
    /// `[limits]`
    pub(crate) limits: Limits,
    /// `[log]`
    pub(crate) log: Log,
}

/// Every section there is, in the order of the documents.
pub(crate) fn sections() -> Vec<SectionInfo> {
    vec![
        Server::info(),
        Smarthost::info(),
        Listener::info(),
        Certificate::info(),
        Users::info(),
        Source::info(),
        Stream::info(),
        Sender::info(),
        Gate::info(),
        Milter::info(),
        Dkim::info(),
        Enforcement::info(),
        Ledger::info(),
        Evidence::info(),
        Control::info(),
        Alert::info(),
        Limits::info(),
        Log::info(),
    ]
}

/// Reads the text. What cannot be read is told, and the rest is read all the same.
pub(crate) fn read(text: &str, faults: &mut Vec<Fault>) -> File {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let message = error.message().to_owned();
        faults.push(match error.span() {
            Some(span) => Fault::at(span, message),
            None => Fault::nowhere(message),
        });
    }
    let root = document.get_ref();
    let known: Vec<&str> = sections().iter().map(|s| s.name).collect();
    for (key, value) in root {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            faults.push(unknown_top(key.span(), name, is_section(value.get_ref()), &known));
        }
    }
    let mut listeners = many(root, text, faults);
    if listeners.is_empty() {
        listeners.push(empty::<Listener>(text, faults));
    }
    File {
        server: one(root, text, faults),
        smarthosts: one_or_many(root, text, faults),
        listeners,
        certificates: many(root, text, faults),
        dkim: many(root, text, faults),
        users: one(root, text, faults),
        ledger: one(root, text, faults),
        evidence: one(root, text, faults),
        control: one(root, text, faults),
        sources: many(root, text, faults),
        streams: many(root, text, faults),
        senders: many(root, text, faults),
        gates: many(root, text, faults),
        milters: many(root, text, faults),
        enforcement: one(root, text, faults),
        alert: one(root, text, faults),
        limits: one(root, text, faults),
        log: one(root, text, faults),
    }
}

/// Whether it was written in brackets.
fn is_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(all) => matches!(all.first().map(Spanned::get_ref), Some(DeValue::Table(_))),
        _ => false,
    }
}

/// A name at the top that is no section: a section mistyped, or a key without its section.
fn unknown_top(
    span: std::ops::Range<usize>,
    name: &str,
    is_section: bool,
    known: &[&str],
) -> Fault {
    let homes: BTreeMap<&str, &str> = sections()
        .iter()
        .flat_map(|s| s.keys.iter().map(|k| (k.name, s.name)).collect::<Vec<_>>())
        .collect();
    match homes.get(name) {
        Some(home) if is_section => Fault::at(span, format!("`{name}` is no section"))
            .help(format!("it is a key: {name} = ... under [{home}], among others")),
        Some(home) => Fault::at(span, format!("`{name}` stands outside of any section"))
            .help(format!("it belongs under [{home}]")),
        None => unknown(span, format!("unknown section `{name}`"), name, known),
    }
}

/// `config show`: all values of all sections, with the number of a repeated one.
pub(crate) fn rows(file: &File) -> Vec<(&'static str, usize, bool, Vec<Row>)> {
    let mut all = vec![(Server::NAME, 0, false, file.server.rows())];
    let several = file.smarthosts.len() > 1;
    let smarthosts = file.smarthosts.iter().enumerate();
    all.extend(smarthosts.map(|(n, s)| (Smarthost::NAME, n, several, s.rows())));
    all.extend(file.listeners.iter().enumerate().map(|(n, s)| (Listener::NAME, n, true, s.rows())));
    let certificates = file.certificates.iter().enumerate();
    all.extend(certificates.map(|(n, s)| (Certificate::NAME, n, true, s.rows())));
    all.push((Users::NAME, 0, false, file.users.rows()));
    all.extend(file.sources.iter().enumerate().map(|(n, s)| (Source::NAME, n, true, s.rows())));
    all.extend(file.streams.iter().enumerate().map(|(n, s)| (Stream::NAME, n, true, s.rows())));
    all.extend(file.senders.iter().enumerate().map(|(n, s)| (Sender::NAME, n, true, s.rows())));
    all.extend(file.gates.iter().enumerate().map(|(n, s)| (Gate::NAME, n, true, s.rows())));
    all.extend(file.milters.iter().enumerate().map(|(n, s)| (Milter::NAME, n, true, s.rows())));
    all.extend(file.dkim.iter().enumerate().map(|(n, s)| (Dkim::NAME, n, true, s.rows())));
    all.extend([
        (Enforcement::NAME, 0, false, file.enforcement.rows()),
        (Ledger::NAME, 0, false, file.ledger.rows()),
        (Evidence::NAME, 0, false, file.evidence.rows()),
        (Control::NAME, 0, false, file.control.rows()),
        (Alert::NAME, 0, false, file.alert.rows()),
        (Limits::NAME, 0, false, file.limits.rows()),
        (Log::NAME, 0, false, file.log.rows()),
    ]);
    all
}
