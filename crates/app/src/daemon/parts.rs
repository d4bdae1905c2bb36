//! The parts of a gate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evidence::{Journal, Mint};
use ledger::IfMissing;
use policy::{LiveLists, OptOutGate, RelayControl};
use proxy::{Clock, Counters, Gate, GateParts, Limits, Smarthost, SmarthostState};
use relay::{Access, AuthOffer, HoldBudget, HoldSettings, RelaySettings, Routes, Way};
use smtp_session::{ClientSettings, ServerSettings, StartTls, Timeouts, UseTls};
use smtp_wire::Reply;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::archive::{self, Archive};
use super::commit::Committer;
use super::recorder::Records;
use crate::alerts::{AlertParts, Alerts};
use crate::clerk::{Clerk, ClerkParts, Running};
use crate::config::{
    Action, Contact, EvidenceSync, ListenerSettings, Mixed, RefuseAt, Settings, Store,
};
use crate::control::ControlServer;
use crate::error::AppError;
use crate::keeper::{Holder, Keeper, KeeperSettings, LedgerLock};
use crate::lists::Watch;
use crate::live::{AskedLists, Consultant, LiveSources};
use crate::notices::Notices;
use crate::{chance, clock};

/// How long a command that is ending is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long sessions may take to end when the gate stops.
const GRACE: Duration = Duration::from_secs(60);
/// How often the smarthost is asked what it offers.
const PROBE: Duration = Duration::from_secs(60);
/// Octets of a header that decides a message's stream; Postfix takes 100 KiB, Exim 1 MiB.
const HEADER_MAX: usize = 256 * 1024;
/// Octets that all sessions together may hold.
const HELD_BUDGET: usize = 64 * 1024 * 1024;

/// A gate that is ready: bound, not yet serving.
pub struct Daemon {
    gate: Gate,
    keeper: Keeper,
    lists: Watch,
    control: ControlServer,
    smarthost: Arc<Smarthost>,
    counters: Arc<Counters>,
    clock: Clock,
    addresses: Vec<SocketAddr>,
    archive: Archive,
    _lock: LedgerLock,
}

impl Daemon {
    /// Puts everything together. Inside a runtime; blocks while the index is read.
    ///
    /// # Errors
    /// Each says what to do; nothing runs then.
    pub async fn start(settings: Arc<Settings>) -> Result<Self, AppError> {
        super::descriptors::raise(settings.limits.connections);
        let lock = LedgerLock::take(&settings.ledger.path, Holder::Gate, PATIENCE)?;
        let keeper = Keeper::start(&KeeperSettings {
            ledger: settings.ledger.path.clone(),
            key: settings.ledger.key_file.clone(),
            rules: settings.ledger.person.clone(),
            if_missing: IfMissing::Create,
        })?;
        let notices = Notices::default();
        // Before the first of them.
        let heard = notices.listen();
        let lists = Watch::start(&keeper, &settings, &notices)?;
        let counters = Arc::new(Counters::default());
        let smarthost = Arc::new(smarthost(&settings));
        let clock = Clock::start();
        let (journal, archive) = archive::open(&settings)?;
        let alerts = Alerts::start(AlertParts {
            settings: settings.alert.clone(),
            hostname: settings.hostname.clone(),
            smarthost: smarthost.clone(),
            clock,
            notices: heard,
        })?;
        let live = LiveSources::of(&settings);
        let gates = Gates { keeper: &keeper, live: live.as_ref() };
        let gate = bind(&settings, &gates, &smarthost, &counters, journal, clock, alerts)?;
        let addresses = gate.addresses();
        let clerk = Clerk::new(ClerkParts {
            keeper: keeper.clone(),
            settings: settings.clone(),
            running: Some(Running {
                since: clock::now(),
                listeners: addresses.iter().map(ToString::to_string).collect(),
                orders: lists.orders(),
                figures: figures(&smarthost, &counters),
            }),
            live: live.map(|live| Consultant::of_gate(live, Handle::current())),
        });
        let control = ControlServer::start(&settings.control, Arc::new(clerk))?;
        Ok(Self {
            gate,
            keeper,
            lists,
            control,
            smarthost,
            counters,
            clock,
            addresses,
            archive,
            _lock: lock,
        })
    }

    /// Where clients come in; a port given as 0 has its real number.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The keeper of the ledger.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Waits until every list that can be read was read.
    pub fn lists_settled(&self, patience: Duration) -> bool {
        self.lists.settled(patience)
    }

    /// Serves until `drain` turns true and the last session has ended.
    pub async fn serve(self, drain: watch::Receiver<bool>) {
        let (smarthost, counters, clock) = (self.smarthost, self.counters, self.clock);
        let probe = tokio::spawn(async move {
            smarthost.keep_probing(clock, &counters, PROBE).await;
        });
        self.gate.serve(drain, GRACE).await;
        probe.abort();
        let (control, lists, keeper) = (self.control, self.lists, self.keeper);
        let archive = self.archive;
        let stopping = tokio::task::spawn_blocking(move || {
            drop(archive);
            drop(control);
            drop(lists);
            keeper.stop();
        });
        if stopping.await.is_err() {
            tracing::error!("a part of the gate panicked while it was stopped");
        }
    }
}

fn smarthost(settings: &Settings) -> Smarthost {
    let s = &settings.smarthost;
    Smarthost::new(proxy::SmarthostSettings {
        address: s.address.to_string(),
        connect_timeout: s.connect_timeout,
        data_timeout: s.data_timeout,
        client: Arc::new(ClientSettings {
            hostname: settings.hostname.clone(),
            timeouts: Timeouts {
                command: s.command_timeout,
                data_asked: s.command_timeout,
                dot: s.reply_timeout,
            },
            starttls: UseTls::Never,
        }),
        tls: None,
    })
}

/// What the gates ask.
struct Gates<'a> {
    keeper: &'a Keeper,
    live: Option<&'a Arc<LiveSources>>,
}

impl Gates<'_> {
    fn opt_out(&self, settings: &Settings) -> (OptOutGate, Option<Arc<dyn LiveLists>>) {
        let mut lists = self.keeper.lists(settings.enforcement.grace);
        let live = self.live.map(|live| {
            lists = lists.clone().with_outside(Arc::clone(live.outside()));
            Arc::new(AskedLists::new(lists.clone(), Arc::clone(live))) as Arc<dyn LiveLists>
        });
        let gate = OptOutGate::new(
            Arc::new(lists),
            settings.ledger.person.clone(),
            settings.own_domains.clone(),
            Arc::new(settings.stream_rules()),
        );
        (gate, live)
    }
}

fn bind(
    settings: &Settings,
    gates: &Gates<'_>,
    smarthost: &Arc<Smarthost>,
    counters: &Arc<Counters>,
    journal: Arc<Journal>,
    clock: Clock,
    alerts: Alerts,
) -> Result<Gate, AppError> {
    let committer = match settings.evidence.sync {
        EvidenceSync::System => None,
        EvidenceSync::Always => {
            let synced = Arc::clone(&journal);
            Some(Committer::start(move || synced.sync())?)
        }
    };
    let records = Records {
        journal,
        committer,
        plain: settings.evidence.recipient == Store::Plain,
        personal: settings.log.personal,
        alerts,
    };
    let (gate, live) = gates.opt_out(settings);
    let held = Arc::new(HoldBudget::new(HELD_BUDGET));
    let random = chance::bytes()?;
    let gate = Gate::bind(GateParts {
        hostname: settings.hostname.clone(),
        listeners: settings
            .listeners
            .iter()
            .map(|listener| listen(settings, listener, &held))
            .collect(),
        smarthost: smarthost.clone(),
        gate,
        live,
        recorder: Arc::new(records),
        counters: counters.clone(),
        mint: Arc::new(Mint::new(u32::from_ne_bytes(random))),
        limits: Limits {
            connections: settings.limits.connections,
            connections_per_client: settings.limits.connections_per_client,
            client_write_timeout: settings.limits.data_timeout,
        },
        clock,
    });
    gate.map_err(|error| match error {
        proxy::GateError::Bind { address, error } => AppError::io(address.to_string(), error),
        proxy::GateError::Stopping => AppError::Unavailable("the gate is stopping".to_owned()),
    })
}

fn listen(
    settings: &Settings,
    listener: &ListenerSettings,
    held: &Arc<HoldBudget>,
) -> proxy::ListenerSettings {
    let limits = &settings.limits;
    let mut greeting = Vec::new();
    let text = match &listener.notice {
        Some(notice) => format!("{} ESMTP {notice}", settings.hostname),
        None => format!("{} ESMTP", settings.hostname),
    };
    Reply::plain(220, text).encode(&mut greeting);
    let relay = RelaySettings {
        hostname: settings.hostname.clone(),
        access: Access { control: RelayControl::new(listener.allow.clone()) },
        action: match listener.action {
            Action::Refuse => policy::Action::Refuse,
            Action::Drop => policy::Action::Drop,
            Action::Shadow => policy::Action::Shadow,
        },
        contact: match settings.smarthost.contact {
            Contact::Recipient => relay::Contact::Recipient,
            Contact::Sender => relay::Contact::Sender,
        },
        way: Way::Through,
        mixed: match listener.mixed {
            Mixed::Defer => relay::Mixed::Defer,
            Mixed::Refuse => relay::Mixed::RefuseWhole,
        },
        header: HoldSettings::new(HEADER_MAX, Arc::clone(held)),
        message_size_max: limits.message_size,
        recipients_max: u32::try_from(limits.recipients).unwrap_or(u32::MAX),
        plain_recipients: settings.evidence.recipient == Store::Plain || settings.log.personal,
        auth: AuthOffer::Off,
        routes: Routes::default(),
    };
    let server = ServerSettings {
        hostname: settings.hostname.clone(),
        greeting,
        command_timeout: limits.command_timeout,
        data_timeout: limits.data_timeout,
        errors_max: limits.errors,
        starttls: StartTls::Off,
    };
    proxy::ListenerSettings {
        address: listener.address,
        refuse_at: match listener.refuse_at {
            RefuseAt::Greeting => proxy::RefuseAt::Greeting,
            RefuseAt::Mail => proxy::RefuseAt::Mail,
        },
        relay: Arc::new(relay),
        server: Arc::new(server),
        tls: None,
    }
}

/// What `status` shows of the running gate.
fn figures(
    smarthost: &Arc<Smarthost>,
    counters: &Arc<Counters>,
) -> Box<dyn Fn() -> serde_json::Value + Send + Sync> {
    let (smarthost, counters) = (smarthost.clone(), counters.clone());
    Box::new(move || {
        let state = match smarthost.state() {
            SmarthostState::Untried => "untried",
            SmarthostState::Up => "up",
            SmarthostState::Down => "down",
        };
        let offers = smarthost.record().load().map(|offered| {
            let reply = offered.to_reply("").text;
            reply.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        });
        serde_json::json!({
            "smarthost": state,
            "smarthost_offers": offers,
            "counters": counters.view(),
        })
    })
}
