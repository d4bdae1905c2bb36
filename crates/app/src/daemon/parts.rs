//! The parts of a gate: what lasts, and what is made of a configuration.

use std::sync::{Arc, OnceLock};

use evidence::{Journal, Mint};
use policy::{LiveLists, Networks, OptOutGate, Rates, RelayControl, SenderRules};
use proxy::{
    Clock, Counters, FilterSettings, GateParts, Limits, Milter, RateLimits, ServerTls, Smarthosts,
    UnsettledMessages, Users,
};
use relay::{Access, AuthOffer, Filters, HoldBudget, HoldSettings, RelaySettings};
use smtp_session::ServerSettings;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::commit::Committer;
use super::dkim::DkimParts;
use super::greetings::Greetings;
use super::recorder::Records;
use super::smarthosts;
use super::tls::{self, TlsParts};
use super::{filters, gates};
use crate::alerts::{AlertParts, Alerts};
use crate::chance;
use crate::clerk::{Clerk, ClerkParts, Running};
use crate::config::{
    Action, Difference, EvidenceSync, ListenerSettings, Mixed, RefuseAt, Settings, Store, Way,
};
use crate::error::AppError;
use crate::keeper::Keeper;
use crate::live::{AskedLists, Consultant, LiveSources};
use crate::users::OwnUsers;

/// Octets of a header that decides a message's stream; Postfix takes 100 KiB, Exim 1 MiB.
const HEADER_MAX: usize = 256 * 1024;

/// What stays as long as the gate runs, whatever configuration is in force.
pub(super) struct Lasting {
    pub(super) keeper: Keeper,
    pub(super) counters: Arc<Counters>,
    pub(super) clock: Clock,
    pub(super) alerts: Alerts,
    journal: Arc<Journal>,
    committer: Option<Arc<Committer>>,
    mint: Arc<Mint>,
    held: Arc<HoldBudget>,
    /// Messages of which nobody knows what became.
    pub(super) unsettled: Arc<UnsettledMessages>,
    greetings: Greetings,
}

impl Lasting {
    pub(super) fn new(
        settings: &Settings,
        keeper: Keeper,
        journal: Arc<Journal>,
        counters: Arc<Counters>,
        clock: Clock,
        alerts: Alerts,
    ) -> Result<Self, AppError> {
        let committer = match settings.evidence.sync {
            EvidenceSync::System => None,
            EvidenceSync::Always => {
                let synced = Arc::clone(&journal);
                Some(Arc::new(Committer::start(move || synced.sync())?))
            }
        };
        let mint = Arc::new(Mint::new(u32::from_ne_bytes(chance::bytes()?), chance::bytes()?));
        let held = Arc::new(HoldBudget::new(settings.limits.held_total));
        Ok(Self {
            keeper,
            counters,
            clock,
            alerts,
            journal,
            committer,
            mint,
            held,
            unsettled: Arc::default(),
            greetings: Greetings::default(),
        })
    }
}

/// What is made of one configuration. At a reload another one takes its place; what has not
/// changed is taken over from it.
pub(super) struct Generation {
    pub(super) settings: Arc<Settings>,
    pub(super) smarthosts: Arc<Smarthosts>,
    pub(super) live: Option<Arc<LiveSources>>,
    /// In the order of the file.
    pub(super) milters: Vec<Arc<Milter>>,
    rates: Option<Arc<RateLimits>>,
    tls: TlsParts,
    dkim: DkimParts,
    /// Since somebody may log in.
    users: OnceLock<Arc<OwnUsers>>,
    /// Since it is in force.
    keeping: Option<Arc<Keeping>>,
}

/// Looks after the smarthosts, as long as this lives.
struct Keeping {
    task: JoinHandle<()>,
    smarthosts: Arc<Smarthosts>,
    clock: Clock,
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.task.abort();
        // Others have taken their place: what is idle has no use any more.
        if let Ok(runtime) = Handle::try_current() {
            let (smarthosts, clock) = (Arc::clone(&self.smarthosts), self.clock);
            runtime.spawn(async move { smarthosts.close(clock).await });
        }
    }
}

impl Generation {
    /// The first one.
    ///
    /// # Errors
    /// What is wrong with a certificate or a key.
    pub(super) fn first(settings: Arc<Settings>) -> Result<Self, AppError> {
        let tls = TlsParts::read(&settings)?;
        let dkim = DkimParts::read(&settings)?;
        let smarthosts = Arc::new(smarthosts::of(&settings, &tls));
        let live = LiveSources::of(&settings);
        let rates = RateLimits::of(&settings.limits.rates);
        let users = OnceLock::new();
        let milters = filters::milters(&settings, &[]);
        Ok(Self { settings, smarthosts, live, milters, rates, tls, dkim, users, keeping: None })
    }

    /// The one that follows this one. Nothing is contacted yet.
    ///
    /// # Errors
    /// As [`Self::first`].
    pub(super) fn next(
        &self,
        settings: Arc<Settings>,
        difference: &Difference,
    ) -> Result<Self, AppError> {
        let mut next = Self::first(settings)?;
        // The host name is what it is greeted with.
        let same_routes = next.settings.routes.candidates == self.settings.routes.candidates;
        if same_routes && !difference.is_in("smarthost") && !difference.is_in("server") {
            next.smarthosts = Arc::clone(&self.smarthosts);
            next.keeping.clone_from(&self.keeping);
        }
        if next.settings.users == self.settings.users {
            // With the failures that it has counted.
            next.users.clone_from(&self.users);
        }
        next.milters = filters::milters(&next.settings, &self.milters);
        if !difference.is_in("source") {
            next.live.clone_from(&self.live);
        }
        // What was used of them counts on.
        if next.settings.limits.rates == self.settings.limits.rates {
            next.rates.clone_from(&self.rates);
        }
        Ok(next)
    }

    /// It is in force from now on. Inside a runtime.
    pub(super) fn begin(&mut self, lasting: &Lasting) {
        self.tls.watch();
        lasting.held.resize(self.settings.limits.held_total);
        self.dkim.watch();
        let (clock, counters) = (lasting.clock, Arc::clone(&lasting.counters));
        if let Some(rates) = &self.rates {
            rates.keep_sweeping();
        }
        self.keeping.get_or_insert_with(|| {
            let smarthosts = Arc::clone(&self.smarthosts);
            let task = tokio::spawn(Arc::clone(&smarthosts).keep(clock, counters));
            Arc::new(Keeping { task, smarthosts, clock })
        });
    }

    /// Whom to tell of troubles, and how.
    pub(super) fn alerts(&self, clock: Clock) -> AlertParts {
        AlertParts {
            settings: self.settings.alert.clone(),
            hostname: self.settings.hostname.clone(),
            smarthosts: Arc::clone(&self.smarthosts),
            milters: self.milters.clone(),
            clock,
        }
    }

    /// What sessions are made of.
    ///
    /// # Errors
    /// When something that the configuration names cannot be used.
    pub(super) fn gate(&self, lasting: &Lasting) -> Result<GateParts, AppError> {
        let settings = &*self.settings;
        let records = Records {
            journal: Arc::clone(&lasting.journal),
            committer: lasting.committer.clone(),
            plain: settings.evidence.recipient == Store::Plain,
            personal: settings.log.personal,
            alerts: lasting.alerts.clone(),
        };
        let (gate, live) = self.opt_out(&lasting.keeper);
        Ok(GateParts {
            hostname: settings.hostname.clone(),
            listeners: settings
                .listeners
                .iter()
                .enumerate()
                .map(|(n, one)| {
                    let signer = self.dkim.signer(one.address);
                    let filters =
                        filters::of_listener(settings, &self.milters, signer, one.address);
                    let tls = self.tls.listener(n);
                    listen(settings, one, tls, lasting, self.access(one), filters)
                })
                .collect(),
            smarthosts: Arc::clone(&self.smarthosts),
            gate,
            live,
            users: self.users()?,
            recorder: Arc::new(records),
            counters: Arc::clone(&lasting.counters),
            mint: Arc::clone(&lasting.mint),
            limits: Limits {
                connections: settings.limits.connections,
                connections_per_client: settings.limits.connections_per_client,
                client_write_timeout: settings.limits.data_timeout,
            },
            clock: lasting.clock,
        })
    }

    fn access(&self, listener: &ListenerSettings) -> Access {
        Access {
            control: RelayControl::new(listener.allow.clone()),
            senders: SenderRules::new(self.settings.senders.clone()),
            wait_max: Some(self.settings.limits.transaction_wait),
            rates: self.rates.clone().map(|rates| rates as Arc<dyn Rates>),
        }
    }

    /// Who knows the users, where anybody can log in.
    fn users(&self) -> Result<Option<Arc<dyn Users>>, AppError> {
        let settings = &*self.settings;
        if settings.listeners.iter().all(|listener| listener.auth == AuthOffer::Off) {
            return Ok(None);
        }
        let users = match self.users.get() {
            Some(users) => Arc::clone(users),
            None => {
                let users = Arc::new(OwnUsers::new(settings.users.clone())?);
                Arc::clone(self.users.get_or_init(|| users))
            }
        };
        Ok(Some(users))
    }

    fn opt_out(&self, keeper: &Keeper) -> (OptOutGate, Option<Arc<dyn LiveLists>>) {
        let settings = &*self.settings;
        let mut lists = keeper.lists(settings.enforcement.grace);
        let live = self.live.as_ref().map(|live| {
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

    /// Who answers at the control socket.
    pub(super) fn clerk(&self, lasting: &Lasting, running: Running) -> Clerk {
        let live = self.live.as_ref().map(Arc::clone);
        Clerk::new(ClerkParts {
            keeper: lasting.keeper.clone(),
            settings: Arc::clone(&self.settings),
            running: Some(running),
            live: live.map(|live| Consultant::of_gate(live, Handle::current())),
        })
    }
}

fn listen(
    settings: &Settings,
    listener: &ListenerSettings,
    tls: Option<Arc<ServerTls>>,
    lasting: &Lasting,
    access: Access,
    (asked, filters): (Filters, Option<Arc<FilterSettings>>),
) -> proxy::ListenerSettings {
    let limits = &settings.limits;
    let hold = |limit| HoldSettings {
        noop_every: limits.noop_interval,
        ..HoldSettings::new(limit, Arc::clone(&lasting.held))
    };
    let relay = RelaySettings {
        hostname: settings.hostname.clone(),
        access,
        action: match listener.action {
            Action::Refuse => policy::Action::Refuse,
            Action::Drop => policy::Action::Drop,
            Action::Shadow => policy::Action::Shadow,
        },
        contact: smarthosts::contact(settings),
        way: match listener.way {
            Way::Through => relay::Way::Through,
            Way::Held => relay::Way::Held,
        },
        mixed: match listener.mixed {
            Mixed::Defer => relay::Mixed::Defer,
            Mixed::Refuse => relay::Mixed::RefuseWhole,
        },
        header: hold(HEADER_MAX),
        hold: hold(limits.held_message),
        message: gates::rules(settings, listener, &lasting.unsettled),
        filters: asked,
        no_soliciting: listener.no_soliciting.clone(),
        message_size_max: limits.message_size,
        recipients_max: u32::try_from(limits.recipients).unwrap_or(u32::MAX),
        plain_recipients: settings.evidence.recipient == Store::Plain || settings.log.personal,
        auth: listener.auth.clone(),
        routes: listener.routes.clone(),
        xclient: Networks::new(listener.xclient.clone()),
    };
    let server = ServerSettings {
        hostname: settings.hostname.clone(),
        greeting: listener.greeting.text.clone().into_bytes(),
        command_timeout: limits.command_timeout,
        data_timeout: limits.data_timeout,
        errors_max: limits.errors,
        floors: limits.floors,
        starttls: tls::starttls(listener.tls.mode),
    };
    proxy::ListenerSettings {
        address: listener.address,
        refuse_at: match listener.refuse_at {
            RefuseAt::Greeting => proxy::RefuseAt::Greeting,
            RefuseAt::Mail => proxy::RefuseAt::Mail,
        },
        proxy_protocol: Networks::new(listener.proxy_protocol.clone()),
        relay: Arc::new(relay),
        server: Arc::new(server),
        notice: lasting.greetings.of(&listener.greeting),
        tls,
        filters,
    }
}
