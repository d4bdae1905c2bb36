//! The thread that tells.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proxy::{Clock, Milter, MilterHealth, OnFailure, SmarthostState, Smarthosts};
use serde_json::json;

use super::memory::Memory;
use super::trouble::{Event, Message, Trouble};
use super::{command, mail, webhook};
use crate::clock;
use crate::config::AlertSettings;
use crate::error::AppError;
use crate::notices::Notice;

/// Words that wait for the thread; more are dropped.
const WAITING: usize = 64;
/// How often the smarthost and the notices are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Mails that the smarthost could not take yet.
const KEPT: usize = 20;
/// After how long they are offered again.
const AGAIN: Duration = Duration::from_secs(30);

/// What there is to say of a list: every kind of trouble that ends when it is in order.
const OF_A_LIST: [Event; 4] =
    [Event::SourceAging, Event::SourceFailing, Event::SourceUnknown, Event::Deferring];

/// Tells of troubles. Cheap to copy; never waits.
#[derive(Clone)]
pub(crate) struct Alerts {
    words: SyncSender<Trouble>,
    shared: Arc<Shared>,
}

struct Shared {
    /// Nobody is to be told.
    silent: AtomicBool,
    /// From the next word on.
    new: Mutex<Option<AlertParts>>,
}

/// What the thread needs.
pub(crate) struct AlertParts {
    /// Whom to tell, and how.
    pub(crate) settings: AlertSettings,
    /// The name of this gate.
    pub(crate) hostname: String,
    /// By which mail goes out, and whose troubles are told.
    pub(crate) smarthosts: Arc<Smarthosts>,
    /// Whose troubles are told too.
    pub(crate) milters: Vec<Arc<Milter>>,
    /// Of the sessions.
    pub(crate) clock: Clock,
}

impl Alerts {
    /// Begins to tell, in a thread of its own. `notices` say how the lists fare.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn start(parts: AlertParts, notices: Receiver<Notice>) -> Result<Self, AppError> {
        let (words, heard) = sync_channel(WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| AppError::io("alerts", error))?;
        let silent = AtomicBool::new(parts.settings.is_silent());
        let shared = Arc::new(Shared { silent, new: Mutex::default() });
        let thread = std::thread::Builder::new().name("alerts".to_owned());
        let telling = Telling::new(parts, runtime, notices, Arc::clone(&shared));
        let spawned = thread.spawn(move || telling.run(&heard));
        spawned.map_err(|error| AppError::io("alerts", error))?;
        Ok(Self { words, shared })
    }

    /// From now on tells these people, in this way. What was told is remembered.
    pub(crate) fn change(&self, parts: AlertParts) {
        self.shared.silent.store(parts.settings.is_silent(), Ordering::Release);
        *self.shared.to_come() = Some(parts);
    }

    /// There is this trouble.
    pub(crate) fn begins(&self, trouble: Trouble) {
        // Full: so much is wrong that one more word does not matter.
        let _ = self.words.try_send(trouble);
    }

    /// Whether anybody listens: for what costs something to say.
    pub(crate) fn is_silent(&self) -> bool {
        self.shared.silent.load(Ordering::Acquire)
    }
}

impl Shared {
    fn to_come(&self) -> MutexGuard<'_, Option<AlertParts>> {
        self.new.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Telling {
    parts: AlertParts,
    notices: Receiver<Notice>,
    shared: Arc<Shared>,
    runtime: tokio::runtime::Runtime,
    memory: Memory,
    /// Since when each smarthost is down.
    down: Vec<Option<Instant>>,
    /// Since when each milter is, by its name.
    milters_down: BTreeMap<Arc<str>, Instant>,
    /// Mails that wait for it.
    mails: Vec<Message>,
    offered: Instant,
    count: u64,
}

impl Telling {
    fn new(
        parts: AlertParts,
        runtime: tokio::runtime::Runtime,
        notices: Receiver<Notice>,
        shared: Arc<Shared>,
    ) -> Self {
        let memory = Memory::new(parts.settings.repeat);
        let (mails, offered) = (Vec::new(), clock::instant());
        let (down, milters_down) = (Vec::new(), BTreeMap::new());
        Self {
            parts,
            notices,
            shared,
            runtime,
            memory,
            down,
            milters_down,
            mails,
            offered,
            count: 0,
        }
    }

    fn run(mut self, heard: &Receiver<Trouble>) {
        loop {
            let heard = match heard.recv_timeout(LOOK) {
                Ok(trouble) => Some(trouble),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let now = clock::instant();
            self.look_at_settings();
            if self.parts.settings.is_silent() {
                // The log has it.
                while self.notices.try_recv().is_ok() {}
                continue;
            }
            let mut messages = Vec::new();
            messages.extend(heard.and_then(|trouble| self.memory.begins(&trouble, now)));
            while let Ok(notice) = self.notices.try_recv() {
                messages.extend(self.noticed(notice, now));
            }
            messages.extend(self.look_at_smarthosts(now));
            messages.extend(self.look_at_milters(now));
            for message in messages {
                self.tell(&message);
            }
            if !self.mails.is_empty() && now.saturating_duration_since(self.offered) >= AGAIN {
                self.offer_mails();
            }
        }
    }

    fn look_at_settings(&mut self) {
        let Some(parts) = self.shared.to_come().take() else { return };
        if !Arc::ptr_eq(&parts.smarthosts, &self.parts.smarthosts) {
            self.down.clear();
        }
        self.memory.repeat_after(parts.settings.repeat);
        self.parts = parts;
    }

    fn noticed(&mut self, notice: Notice, now: Instant) -> Option<Message> {
        let trouble = match notice {
            Notice::SourceAging { source, age, max_age } => {
                let what = format!("it is {} old, max_age is {}", days(age), days(max_age));
                Trouble::Aging { list: source, what }
            }
            Notice::SourceUnknown { source, why } => Trouble::Unknown { list: source, why },
            Notice::SourceFailed { source, why, never } => {
                Trouble::Failing { list: source, why, never }
            }
            Notice::SourceFresh { source } => return self.memory.ends(&source, &OF_A_LIST),
        };
        self.memory.begins(&trouble, now)
    }

    fn look_at_smarthosts(&mut self, now: Instant) -> Vec<Message> {
        let all = self.parts.smarthosts.all();
        let others = all.iter().any(|host| host.state() == SmarthostState::Up);
        let mut messages = Vec::new();
        // Others after a reload, perhaps more of them.
        self.down.resize(all.len(), None);
        for (host, down) in all.iter().zip(&mut self.down) {
            let smarthost = host.settings().name.clone();
            match host.state() {
                state @ (SmarthostState::Down | SmarthostState::NoLogin) => {
                    let since = *down.get_or_insert(now);
                    if now.saturating_duration_since(since) >= self.parts.settings.patience {
                        let no_login = state == SmarthostState::NoLogin;
                        let trouble = Trouble::SmarthostDown { smarthost, others, no_login };
                        messages.extend(self.memory.begins(&trouble, now));
                    }
                }
                SmarthostState::Up => {
                    *down = None;
                    messages.extend(self.memory.ends(&smarthost, &[Event::SmarthostDown]));
                }
                SmarthostState::Untried => {}
            }
        }
        messages
    }

    fn look_at_milters(&mut self, now: Instant) -> Vec<Message> {
        let mut messages = Vec::new();
        let all = &self.parts.milters;
        self.milters_down.retain(|name, _| all.iter().any(|one| one.settings().name == *name));
        for milter in all {
            let name = &milter.settings().name;
            match milter.health() {
                MilterHealth::Down => {
                    let since = *self.milters_down.entry(Arc::clone(name)).or_insert(now);
                    if now.saturating_duration_since(since) >= self.parts.settings.patience {
                        let trouble = Trouble::MilterDown {
                            milter: name.to_string(),
                            why: milter.fault().unwrap_or_default(),
                            passed: milter.settings().on_failure == OnFailure::Permit,
                        };
                        messages.extend(self.memory.begins(&trouble, now));
                    }
                }
                MilterHealth::Up => {
                    self.milters_down.remove(name);
                    messages.extend(self.memory.ends(name, &[Event::MilterDown]));
                }
                MilterHealth::Untried => {}
            }
        }
        messages
    }

    fn tell(&mut self, message: &Message) {
        match message.event {
            Event::Solved => tracing::info!(about = message.about, "alert: {}", message.text),
            _ => tracing::warn!(about = message.about, "alert: {}", message.text),
        }
        let json = json!({
            "event": message.event,
            "about": message.about,
            "text": format!("optgate on {}: {}", self.parts.hostname, message.text),
            "host": self.parts.hostname,
            "time": clock::now().to_string(),
        })
        .to_string();
        let settings = &self.parts.settings;
        if let Some(argv) = &settings.command
            && let Err(error) = command::run(argv, message, &json)
        {
            tracing::error!("an alert was not told by its command: {error}");
        }
        if let Some(hook) = &settings.webhook {
            let token = hook.token.as_ref().map(sources::Password::read).transpose();
            let posted = match token {
                Ok(token) => {
                    let token = token.as_ref().map(|token| token.expose().as_str());
                    self.runtime.block_on(webhook::post(hook.url.expose(), token, json))
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = posted {
                tracing::error!("an alert was not told by its webhook: {error}");
            }
        }
        if settings.mail.is_some() {
            if self.mails.len() >= KEPT {
                self.mails.remove(0);
            }
            self.mails.push(message.clone());
            self.offer_mails();
        }
    }

    /// Offers the mails that wait to the smarthost, the oldest first, until it takes one not.
    fn offer_mails(&mut self) {
        let Some(to) = &self.parts.settings.mail else { return };
        self.offered = clock::instant();
        while let Some(message) = self.mails.first() {
            self.count += 1;
            let mail = mail::compose(message, to, &self.parts.hostname, clock::now(), self.count);
            let delivered = self.parts.smarthosts.deliver(self.parts.clock, &mail);
            match self.runtime.block_on(delivered) {
                Ok(()) => {}
                Err(proxy::NotDelivered::Refused(reply)) if reply.is_permanent() => {
                    tracing::error!(code = reply.code, "the smarthost refuses mail of alerts");
                }
                Err(error) => {
                    tracing::warn!("an alert waits for its mail: {error}");
                    return;
                }
            }
            self.mails.remove(0);
        }
    }
}

/// A span as a person would say it, rounded down.
fn days(span: Duration) -> String {
    match span.as_secs() {
        secs @ 0..120 => format!("{secs} seconds"),
        secs @ 120..7_200 => format!("{} minutes", secs / 60),
        secs @ 7_200..172_800 => format!("{} hours", secs / 3_600),
        secs => format!("{} days", secs / 86_400),
    }
}
