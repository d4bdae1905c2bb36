//! A running gate with all that belongs to it, and how one configuration takes the place of
//! another.
//!
//! A reload has two halves. In the first everything that can fail is tried: the file is read and
//! checked whole, the parts are made of it, new addresses are bound, the threads of new lists
//! wait. If anything fails, all of that is dropped, and nobody has noticed. The second half only
//! puts things in the places of others. Sessions that are open end with what they began with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use proxy::{Gate, GateError};
use suppression::Timestamp;
use tokio::runtime::Handle;

use super::file::{ConfigurationFile, Read};
use super::notify::Notify;
use super::parts::{Generation, Lasting};
use super::smarthosts::figures;
use crate::clerk::{Clerk, ConfigurationLine, Reload, ReloadFailure, Reloaded, Running};
use crate::clock;
use crate::config::{Difference, ShownValue};
use crate::error::AppError;
use crate::lists::Watch;
use crate::logs;

/// For QUIT and its reply, at the end.
const LEAVE: Duration = Duration::from_secs(5);

/// What a house is made of.
pub(super) struct HouseParts {
    pub(super) lasting: Lasting,
    pub(super) gate: Gate,
    pub(super) generation: Generation,
    pub(super) lists: Watch,
    pub(super) values: Vec<ShownValue>,
    pub(super) file: Option<ConfigurationFile>,
    pub(super) notify: Notify,
}

/// A gate with all that belongs to it.
pub(super) struct House {
    pub(super) lasting: Lasting,
    pub(super) gate: Gate,
    /// Who answers at the control socket.
    pub(super) clerk: Arc<ArcSwap<Clerk>>,
    file: Option<ConfigurationFile>,
    notify: Notify,
    runtime: Handle,
    since: Timestamp,
    /// Locked by whoever reloads: one at a time.
    present: Mutex<Present>,
    line: Mutex<ConfigurationLine>,
    this: Weak<Self>,
}

/// What is in force.
struct Present {
    generation: Generation,
    values: Vec<ShownValue>,
    /// None when the gate has ended.
    lists: Option<Watch>,
}

impl House {
    /// Inside a runtime.
    pub(super) fn new(parts: HouseParts) -> Arc<Self> {
        let HouseParts { lasting, gate, generation, lists, values, file, notify } = parts;
        let since = clock::now();
        let line = ConfigurationLine {
            file: file.as_ref().map_or_else(String::new, ConfigurationFile::name),
            loaded: since,
            reloads: 0,
            failures: 0,
            last_failure: None,
        };
        Arc::new_cyclic(|this| {
            let running = running(this, since, &gate, &lists, &generation, &lasting);
            let clerk = generation.clerk(&lasting, running);
            Self {
                clerk: Arc::new(ArcSwap::from_pointee(clerk)),
                lasting,
                gate,
                file,
                notify,
                runtime: Handle::current(),
                since,
                present: Mutex::new(Present { generation, values, lists: Some(lists) }),
                line: Mutex::new(line),
                this: this.clone(),
            }
        })
    }

    /// Clients are about to come in. Inside a runtime.
    pub(super) fn begin(&self) {
        self.present().generation.begin(&self.lasting);
        self.notify.ready(&self.serving());
    }

    /// Keeps the watchdog quiet. Never returns.
    pub(super) fn watched(&self) -> impl Future<Output = ()> + Send + use<> {
        self.notify.clone().watch(self.lasting.keeper.clone())
    }

    /// No clients any more.
    pub(super) fn stopping(&self) {
        self.notify.stopping();
    }

    /// In a few words.
    fn serving(&self) -> String {
        format!("serving at {}", addresses(&self.gate).join(" "))
    }

    /// How long sessions may take to end.
    pub(super) fn grace(&self) -> Duration {
        self.present().generation.settings.grace
    }

    /// Waits until every list that can be read was read.
    pub(super) fn lists_settled(&self, patience: Duration) -> bool {
        self.present().lists.as_ref().is_none_or(|lists| lists.settled(patience))
    }

    /// Says QUIT on connections that are idle.
    pub(super) async fn leave_smarthosts(&self) {
        let smarthosts = Arc::clone(&self.present().generation.smarthosts);
        let closing = smarthosts.close(self.lasting.clock);
        // Whoever does not answer a QUIT misses nothing.
        let _ = tokio::time::timeout(LEAVE, closing).await;
    }

    /// Ends the threads of the lists; no configuration is taken any more. Blocks.
    pub(super) fn end(&self) {
        let lists = self.present().lists.take();
        drop(lists);
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> MutexGuard<'_, ConfigurationLine> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchange(&self) -> Result<Reloaded, AppError> {
        let mut present = self.present();
        let _inside = self.runtime.enter();
        let file = self.file.as_ref().ok_or_else(|| {
            AppError::Unavailable("this gate was started without a configuration file".to_owned())
        })?;
        let Read { settings, values, warnings } = file.read()?;
        let difference = Difference::between(&present.values, &values);
        let settled = difference.needs_restart();
        if !settled.is_empty() {
            return Err(AppError::Configuration(settled));
        }
        let mut generation = present.generation.next(Arc::new(settings), &difference)?;
        let parts = generation.gate(&self.lasting)?;
        let prepared = self.gate.prepare(parts).map_err(of_gate)?;
        let Some(lists) = &mut present.lists else { return Err(stopping()) };
        let stays = |name: &str| difference.keeps_source(name);
        let change = lists.prepare(&generation.settings, stays)?;

        // From here on nothing fails.
        self.gate.commit(prepared).map_err(of_gate)?;
        lists.commit(change);
        generation.begin(&self.lasting);
        self.lasting.alerts.change(generation.alerts(self.lasting.clock));
        logs::change(&generation.settings.log);
        if ["limits", "listener", "milter"].iter().any(|one| difference.is_in(one)) {
            super::descriptors::raise(&generation.settings);
        }
        let running =
            running(&self.this, self.since, &self.gate, lists, &generation, &self.lasting);
        self.clerk.store(Arc::new(generation.clerk(&self.lasting, running)));
        (present.generation, present.values) = (generation, values);
        let listeners = addresses(&self.gate);
        Ok(Reloaded { file: file.name(), changed: difference.words(), listeners, warnings })
    }
}

impl Reload for House {
    fn reload(&self) -> Result<Reloaded, AppError> {
        self.notify.reloading();
        let done = self.exchange();
        let at = clock::now();
        let mut line = self.line();
        match &done {
            Ok(reloaded) => {
                (line.loaded, line.last_failure) = (at, None);
                line.reloads += 1;
                let (file, changed) = (&reloaded.file, reloaded.changed.join(", "));
                tracing::info!(file, changed, "configuration loaded anew");
                for warning in &reloaded.warnings {
                    tracing::warn!(file, "{warning}");
                }
            }
            Err(error) => {
                let why = error.to_string().trim_end().to_owned();
                tracing::error!("the new configuration is refused, nothing has changed: {why}");
                line.failures += 1;
                line.last_failure = Some(ReloadFailure { at, why });
            }
        }
        let refused = line.last_failure.as_ref();
        let status =
            refused.map(|refused| format!("a new configuration was refused at {}", refused.at));
        drop(line);
        self.notify.ready(&status.unwrap_or_else(|| self.serving()));
        done
    }

    fn configuration(&self) -> ConfigurationLine {
        self.line().clone()
    }
}

fn addresses(gate: &Gate) -> Vec<String> {
    gate.addresses().iter().map(ToString::to_string).collect()
}

/// The gate, as the clerk sees it.
fn running(
    this: &Weak<House>,
    since: Timestamp,
    gate: &Gate,
    lists: &Watch,
    generation: &Generation,
    lasting: &Lasting,
) -> Running {
    Running {
        since,
        listeners: addresses(gate),
        orders: lists.orders(),
        reload: this.clone(),
        figures: figures(
            &generation.smarthosts,
            &generation.milters,
            &lasting.counters,
            lasting.clock,
        ),
    }
}

/// What binding and exchanging may say.
pub(super) fn of_gate(error: GateError) -> AppError {
    match error {
        GateError::Bind { address, error } => {
            let path = format!("cannot listen at {address}");
            AppError::io(path, error)
        }
        GateError::Unwanted { .. } => AppError::Configuration(error.to_string()),
        GateError::Given(_) => AppError::Unavailable(error.to_string()),
        GateError::Stopping => stopping(),
    }
}

fn stopping() -> AppError {
    AppError::Unavailable("the gate is stopping".to_owned())
}
