//! What the configuration means: plain values, every default filled in, every
//! path complete. Nothing here remembers the file; whoever needs the place of a
//! value asks [`super::file::File`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use address::{ForwardPath, PersonRules};
use ipnet::IpNet;
use observe::Secret;
use policy::{Admission, SenderRule, StreamRule, Streams};
use proxy::{ClientTlsSettings, PairFiles, RateSettings};
use relay::{AuthOffer, Routes, SmarthostId};
use smtp_session::Floors;
use smtp_wire::Solicitation;
use sources::{Access, Format, Guards, Password, Question, Spec, Tls};
use suppression::{Basis, Calendar, Grace, Kind, Scope};

use super::choice::{
    Action, Contact, EvidenceSync, Identity, Level, ListenerTls, LogFormat, Mixed, RefuseAt, Store,
    Way,
};
use super::credentials::LoginSettings;
use super::gate_settings::GateSettings;
use super::naming::EvidencePath;
use super::network::HostPort;
use crate::dkim::SigningSettings;

/// Everything a gate is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name in greeting, EHLO and Received.
    pub hostname: String,
    /// Mail to postmaster here always passes.
    pub own_domains: Vec<String>,
    /// How long sessions may take to end when the gate stops.
    pub grace: Duration,
    /// The real mail servers; never empty.
    pub smarthosts: Vec<SmarthostSettings>,
    /// Which of them mail may go to.
    pub routes: RouteSettings,
    /// Where clients come in; never empty.
    pub listeners: Vec<ListenerSettings>,
    /// The certificates of this host.
    pub certificates: Vec<PairFiles>,
    /// What is signed.
    pub dkim: Vec<DkimSettings>,
    /// The file of users.
    pub users: PathBuf,
    /// The record of opt-outs.
    pub ledger: LedgerSettings,
    /// The record of decisions.
    pub evidence: EvidenceSettings,
    /// The control socket.
    pub control: PathBuf,
    /// What kinds of mail there are, in the order of their rules.
    pub streams: Vec<StreamRule>,
    /// Which senders clients may use, in the order of their rules.
    pub senders: Vec<SenderRule>,
    /// Rules over messages, in their order.
    pub gates: Vec<GateSettings>,
    /// Filters that speak the milter protocol, in their order.
    pub milters: Vec<MilterSettings>,
    /// How objections are enforced.
    pub enforcement: EnforcementSettings,
    /// The outside lists.
    pub sources: Vec<SourceSettings>,
    /// Who is told when something is wrong.
    pub alert: AlertSettings,
    /// What clients may use.
    pub limits: LimitSettings,
    /// What is logged.
    pub log: LogSettings,
}

impl Settings {
    /// The longest wait of any smarthost for the reply to a final dot.
    pub fn longest_reply(&self) -> Duration {
        self.smarthosts.iter().map(|host| host.reply_timeout).max().unwrap_or_default()
    }

    /// The names of the smarthosts, for people.
    pub fn smarthost_names(&self) -> String {
        let names: Vec<_> = self.smarthosts.iter().map(|host| host.name.as_str()).collect();
        names.join(", ")
    }

    /// The rules that say which stream a message is on.
    pub fn stream_rules(&self) -> Streams {
        Streams::new(self.streams.clone())
    }

    /// Whether there is a rule without conditions, so that no mail is on the default stream.
    pub fn takes_everything(&self) -> bool {
        self.streams.iter().any(takes_everything)
    }
}

/// Which smarthosts the mail of each stream goes to.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// The smarthosts of each route; the first route is all of them.
    pub candidates: Vec<Vec<SmarthostId>>,
    /// The route of each stream.
    pub routes: Routes,
}

/// `[[smarthost]]`
#[derive(Clone, Debug)]
pub struct SmarthostSettings {
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub address: HostPort,
    /// Lower ones first.
    pub priority: u64,
    /// Its share among those of the same priority.
    pub weight: u64,
    /// When it is contacted.
    pub contact: Contact,
    /// How the connection is protected.
    pub tls: ClientTlsSettings,
    /// How the gate logs in to it; none: not at all.
    pub login: Option<LoginSettings>,
    /// Whether it is told who the clients are.
    pub identity: Identity,
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// For a reply to a command.
    pub command_timeout: Duration,
    /// For mail data to be taken.
    pub data_timeout: Duration,
    /// For the reply to the final dot.
    pub reply_timeout: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Connections that are kept open between messages.
    pub idle: usize,
    /// How long one is kept without a message.
    pub idle_timeout: Duration,
    /// How old one may be when another message begins on it.
    pub connection_age: Duration,
    /// Messages on one connection.
    pub messages_per_connection: u32,
}

/// `[[listener]]`
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who may relay; nobody else.
    pub allow: Vec<Admission>,
    /// When a client is refused that never may.
    pub refuse_at: RefuseAt,
    /// TLS.
    pub tls: ListenerTlsSettings,
    /// How clients log in.
    pub auth: AuthOffer,
    /// Where its mail goes.
    pub routes: Routes,
    /// Who must say by the PROXY protocol who the client is; empty: nobody.
    pub proxy_protocol: Vec<IpNet>,
    /// Who may say by XCLIENT who the client is.
    pub xclient: Vec<IpNet>,
    /// What is done about a suppressed recipient.
    pub action: Action,
    /// What is done when recipients have to be decided apart.
    pub mixed: Mixed,
    /// The way of messages.
    pub way: Way,
    /// Date and Message-ID are added where they are missing.
    pub complete: bool,
    /// The classes of solicitation that are refused; none: NO-SOLICITING is off.
    pub no_soliciting: Option<Solicitation>,
    /// What clients are greeted with.
    pub greeting: GreetingSettings,
}

/// The greeting of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreetingSettings {
    /// All of it as it is on the wire: `220` lines with CRLF, printable ASCII.
    pub text: String,
    /// The version of its notice.
    pub version: Option<String>,
    /// There is a notice in it.
    pub has_notice: bool,
}

/// `[[dkim]]`
#[derive(Clone, Debug)]
pub struct DkimSettings {
    /// The signature.
    pub signing: SigningSettings,
    /// The listeners whose mail is signed; none: all.
    pub listeners: Option<Vec<SocketAddr>>,
}

impl DkimSettings {
    /// Whether the mail of a listener is signed.
    pub fn is_for(&self, listener: SocketAddr) -> bool {
        self.listeners.as_ref().is_none_or(|only| only.contains(&listener))
    }
}

/// TLS of a listener.
#[derive(Clone, Debug)]
pub struct ListenerTlsSettings {
    /// Whether there is any, and how it begins.
    pub mode: ListenerTls,
    /// The authorities whose certificates are believed; none: clients are not asked.
    pub client_ca: Option<PathBuf>,
}

/// `[[milter]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MilterSettings {
    /// How it is reached, and what is expected of it.
    pub milter: proxy::MilterSettings,
    /// It signs what it is shown.
    pub signs: bool,
    /// The listeners whose mail it is shown; none: every one.
    pub listeners: Option<Vec<SocketAddr>>,
}

impl MilterSettings {
    /// Whether it is shown the mail of a listener.
    pub fn is_for(&self, listener: SocketAddr) -> bool {
        self.listeners.as_ref().is_none_or(|all| all.contains(&listener))
    }
}

/// `[ledger]`
#[derive(Clone, Debug)]
pub struct LedgerSettings {
    /// The SQLite file.
    pub path: PathBuf,
    /// The key under which addresses are hashed.
    pub key_file: PathBuf,
    /// Whether plain addresses are kept.
    pub store: Store,
    /// When two addresses are the same person.
    pub person: PersonRules,
}

/// `[evidence]`
#[derive(Clone, Debug)]
pub struct EvidenceSettings {
    /// Where it goes.
    pub path: EvidencePath,
    /// How it names recipients.
    pub recipient: Store,
    /// When a record is safe.
    pub sync: EvidenceSync,
    /// Bytes of a file after which another is begun; none: never.
    pub rotate_size: Option<u64>,
    /// Age of a file at which another is begun; none: never.
    pub rotate_age: Option<Duration>,
}

/// `[enforcement]`
#[derive(Clone, Copy, Debug)]
pub struct EnforcementSettings {
    /// How long mail may still be sent after an opt-out; none: not at all.
    pub grace: Option<Grace>,
    /// Which days are business days.
    pub calendar: Calendar,
}

/// `[[source]]`
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// How it is read, and what its rows say.
    pub spec: Spec,
    /// The file with the salt of a list of digests.
    pub salt: Option<PathBuf>,
    /// What its entries forbid, or allow, where a row does not say it itself.
    pub scope: Scope,
    /// Every scope its entries may have: what is unknown when the source is. None: just `scope`.
    pub carries: Vec<Scope>,
    /// Whether it is read into the ledger or asked for each recipient.
    pub mode: Mode,
    /// Whether what is gone from the source is taken back (it is the master of its entries).
    pub mirror: bool,
    /// What its consents rest on.
    pub basis: Basis,
    /// When its bounces are forgotten; none: never, and for any other kind.
    pub expire_after: Option<Duration>,
    /// The age at which the list counts as unknown.
    pub max_age: Option<Duration>,
    /// Which readings are believed.
    pub guards: Guards,
}

impl SourceSettings {
    /// The file, folder or pattern; empty for what is none.
    pub fn path(&self) -> &Path {
        match &self.place {
            Place::Files(path) => path,
            Place::Url { .. } | Place::Database(..) => Path::new(""),
        }
    }

    /// Where it is, for people: what is asked of a web server may be a key to it, and is left out.
    pub fn at(&self) -> String {
        match &self.place {
            Place::Files(path) => path.display().to_string(),
            Place::Url { url, .. } => match url.split_once('?') {
                Some((page, _)) => format!("{page}?..."),
                None => url.clone(),
            },
            Place::Database(access, _) => access.url.clone(),
        }
    }

    /// Whether each row may say of which kind it is.
    pub fn has_kinds(&self) -> bool {
        let columns = match &self.spec.format {
            Format::Csv(csv) | Format::Detect(csv) => &csv.columns,
            Format::Json(json) => &json.columns,
            Format::Xlsx(xlsx) => &xlsx.columns,
            Format::Table(columns) => columns,
            Format::Xml(xml) => return xml.kind.is_some(),
            Format::AccessMap(_) => return false,
        };
        columns.kind.is_some()
    }

    /// What its rows say, where they do not say it themselves.
    pub fn kind(&self) -> Kind {
        self.spec.kind.unwrap_or(Kind::OptOut)
    }
}

/// Where the list of a source is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file, all files of a folder, or those that fit a pattern such as `/srv/lists/*.csv`.
    Files(PathBuf),
    /// What a web server gives out.
    Url {
        /// `http` or `https`.
        url: String,
        /// The login, for basic authentication (RFC 7617).
        user: Option<String>,
        /// Password of the login; without one a bearer token (RFC 6750).
        password: Option<Password>,
        /// How the connection is protected.
        tls: Tls,
        /// For an answer to begin, and to go on.
        timeout: Duration,
    },
    /// A database.
    Database(Access, Question),
}

/// How a source is used.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Read into the ledger.
    Sync(SyncSettings),
    /// Asked for each recipient.
    Live(LiveSettings),
}

/// How a source is kept in step.
#[derive(Clone, Debug)]
pub struct SyncSettings {
    /// How often it is looked at.
    pub every: Duration,
    /// The column by which only what is new is read; none: all of it each time.
    pub watermark: Option<String>,
    /// How often all of it is read, where there is a watermark.
    pub full_every: Duration,
    /// How far back, in time, what was read is read again: for rows that were committed late.
    pub overlap: Duration,
    /// The channel on which PostgreSQL tells of changes.
    pub notify: Option<String>,
}

/// How a source is asked.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// For an answer.
    pub timeout: Duration,
    /// How long an answer holds; zero: not at all.
    pub cache: Duration,
    /// Connections at a time.
    pub connections: usize,
}

/// `[alert]`
#[derive(Clone, Debug)]
pub struct AlertSettings {
    /// A program and its arguments.
    pub command: Option<Vec<String>>,
    /// Where it is posted.
    pub webhook: Option<Webhook>,
    /// To whom it is mailed.
    pub mail: Option<ForwardPath>,
    /// After how long a trouble that lasts is told again.
    pub repeat: Duration,
    /// How long the smarthost must be down before that is told.
    pub patience: Duration,
}

/// Where messages are posted.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// `http` or `https`. It may be a secret itself.
    pub url: Secret<String>,
    /// Where the bearer token is.
    pub token: Option<Password>,
}

impl AlertSettings {
    /// Whether nobody is to be told.
    pub fn is_silent(&self) -> bool {
        self.command.is_none() && self.webhook.is_none() && self.mail.is_none()
    }
}

/// `[limits]`
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address.
    pub connections_per_client: usize,
    /// Recipients in one transaction.
    pub recipients: usize,
    /// Bytes in one message.
    pub message_size: u64,
    /// Bytes of a message that may be held.
    pub held_message: usize,
    /// Bytes of all messages together that may be held.
    pub held_total: usize,
    /// Between two NOOPs to a smarthost that waits before DATA.
    pub noop_interval: Duration,
    /// For the client's next command.
    pub command_timeout: Duration,
    /// For the client's next mail data.
    pub data_timeout: Duration,
    /// How slow and how idle a client may be.
    pub floors: Floors,
    /// For all replies of one transaction together.
    pub transaction_wait: Duration,
    /// What is permitted in a minute.
    pub rates: RateSettings,
    /// Errors until 421.
    pub errors: u32,
}

/// `[log]`
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// How much.
    pub level: Level,
    /// In which shape.
    pub format: LogFormat,
    /// Whether people's addresses may be in it.
    pub personal: bool,
}

/// Whether a rule has no conditions.
pub(crate) fn takes_everything(stream: &StreamRule) -> bool {
    stream.listener.is_empty()
        && stream.login.is_empty()
        && stream.client.is_empty()
        && stream.sender.is_empty()
        && stream.solicit.is_empty()
        && stream.header.is_empty()
}
