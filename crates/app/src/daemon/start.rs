//! A gate from the parts to serving, and to its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use ledger::IfMissing;
use listenfd::ListenFd;
use proxy::{Clock, Counters, Gate, UnsettledMessages};
use tokio::sync::watch;

use super::archive::{self, Archive};
use super::file::ConfigurationFile;
use super::house::{House, HouseParts, of_gate};
use super::notify::Notify;
use super::parts::{Generation, Lasting};
use crate::alerts::Alerts;
use crate::clerk::Reload;
use crate::config::{Settings, ShownValue};
use crate::control::ControlServer;
use crate::error::AppError;
use crate::keeper::{Holder, Keeper, KeeperSettings, LedgerLock};
use crate::lists::Watch;
use crate::notices::Notices;

/// How long a command that is ending is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// A gate that is ready: bound, not yet serving.
pub struct Daemon {
    house: Arc<House>,
    control: ControlServer,
    addresses: Vec<SocketAddr>,
    archive: Archive,
    _lock: LedgerLock,
}

/// A configuration, and where it can be read again.
pub struct Configured {
    /// What it means.
    pub settings: Settings,
    /// What it says.
    pub values: Vec<ShownValue>,
    /// Its file.
    pub file: ConfigurationFile,
}

/// What the service manager has passed to this process.
#[derive(Default)]
struct Passed {
    /// To listen at.
    sockets: Vec<TcpListener>,
    notify: Notify,
}

impl Passed {
    fn of_environment() -> Result<Self, AppError> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for at in 0..passed.len() {
            let io = |error| AppError::io(format!("socket {at} passed by systemd"), error);
            sockets.extend(passed.take_tcp_listener(at).map_err(io)?);
        }
        Ok(Self { sockets, notify: Notify::of_environment() })
    }
}

impl Daemon {
    /// Puts everything together. Inside a runtime; blocks while the index is read.
    ///
    /// # Errors
    /// Each says what to do; nothing runs then.
    pub async fn start(settings: Arc<Settings>) -> Result<Self, AppError> {
        Self::build(settings, Vec::new(), None, Passed::default())
    }

    /// As [`start`](Self::start), for a gate whose configuration can be read anew.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_from(configured: Configured) -> Result<Self, AppError> {
        let Configured { settings, values, file } = configured;
        Self::build(Arc::new(settings), values, Some(file), Passed::of_environment()?)
    }

    fn build(
        settings: Arc<Settings>,
        values: Vec<ShownValue>,
        file: Option<ConfigurationFile>,
        passed: Passed,
    ) -> Result<Self, AppError> {
        let Passed { sockets, notify } = passed;
        super::descriptors::raise(&settings);
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
        let clock = Clock::start();
        let unsettled = Arc::new(UnsettledMessages::default());
        let (journal, archive) = archive::open(&settings, &unsettled)?;
        let generation = Generation::first(Arc::clone(&settings))?;
        let alerts = Alerts::start(generation.alerts(clock), heard)?;
        let counters = Arc::new(Counters::default());
        let mut lasting = Lasting::new(&settings, keeper, journal, counters, clock, alerts)?;
        lasting.unsettled = unsettled;
        let gate = Gate::bind(generation.gate(&lasting)?, sockets).map_err(of_gate)?;
        let addresses = gate.addresses();
        let house =
            House::new(HouseParts { lasting, gate, generation, lists, values, file, notify });
        let control = ControlServer::start(&settings.control, Arc::clone(&house.clerk))?;
        Ok(Self { house, control, addresses, archive, _lock: lock })
    }

    /// Where clients come in; a port given as 0 has its real number.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The keeper of the ledger.
    pub fn keeper(&self) -> &Keeper {
        &self.house.lasting.keeper
    }

    /// Waits until every list that can be read was read.
    pub fn lists_settled(&self, patience: Duration) -> bool {
        self.house.lists_settled(patience)
    }

    /// By which its configuration is read anew.
    pub fn reload(&self) -> Arc<dyn Reload> {
        Arc::clone(&self.house) as Arc<dyn Reload>
    }

    /// Serves until `drain` turns true and the last session has ended.
    pub async fn serve(self, drain: watch::Receiver<bool>) {
        self.house.begin();
        let watched = tokio::spawn(self.house.watched());
        let house = Arc::clone(&self.house);
        let grace = || {
            house.stopping();
            house.grace()
        };
        self.house.gate.serve(drain, grace).await;
        self.house.leave_smarthosts().await;
        let (control, archive, house) = (self.control, self.archive, self.house);
        let stopping = tokio::task::spawn_blocking(move || {
            drop(archive);
            drop(control);
            house.end();
            house.lasting.keeper.stop();
        });
        if stopping.await.is_err() {
            tracing::error!("a part of the gate panicked while it was stopped");
        }
        watched.abort();
    }
}
