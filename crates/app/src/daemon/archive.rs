//! The threads that keep the evidence: one seals it every second, turns it when it is large or
//! old, and closes what was turned; the other packs closed files, which takes longer than a
//! seal may wait. No session waits for either.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use evidence::{ChainId, Journal, Opened, Opening, Rotation, Sealer};
use policy::Unsettled;
use proxy::UnsettledMessages;

use crate::config::{EvidencePath, Settings};
use crate::error::AppError;
use crate::{chance, clock};

/// How often it is looked for something to seal.
const EVERY: Duration = Duration::from_secs(1);
/// How often the same trouble is told.
const TOLD_EVERY: u32 = 60;
/// What a message may take beyond the wait for the reply to its dot.
const SLACK: Duration = Duration::from_secs(600);

/// The threads; they end when it is dropped, and everything is sealed then.
pub(super) struct Archive {
    stop: Option<Sender<()>>,
    /// What is not packed yet is packed after the next start.
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Opens the evidence; the archive keeps it.
pub(super) fn open(
    settings: &Settings,
    unsettled: &UnsettledMessages,
) -> Result<(Arc<Journal>, Archive), AppError> {
    let EvidencePath::File(path) = &settings.evidence.path else {
        return Ok((Journal::stdout().into(), Archive::none()));
    };
    let opening = Opening {
        now: clock::now(),
        chain: ChainId(u128::from_ne_bytes(chance::bytes()?)),
        reach: settings.longest_reply().saturating_add(SLACK).max(UnsettledMessages::KEPT),
    };
    let io = |error| AppError::io(path, error);
    let opened = evidence::open(path, &opening).map_err(io)?;
    let Opened { journal, sealer, recovery, unsettled: ids, to_pack } = opened;
    let kept = i64::try_from(UnsettledMessages::KEPT.as_micros()).unwrap_or(i64::MAX);
    let since = opening.now.micros().saturating_sub(kept);
    for one in ids.into_iter().filter(|one| one.time.micros() > since) {
        unsettled.note(&one.message_id, one.transaction.to_string(), one.time.micros() / 1_000_000);
    }
    if recovery.unknown > 0 || recovery.torn > 0 {
        tracing::warn!(
            unknown = recovery.unknown,
            torn = recovery.torn,
            "the gate ended in the middle of messages; whether these were delivered is not known, and the evidence says so"
        );
    }
    let Some(sealer) = sealer else {
        return Ok((journal, Archive::none()));
    };
    let when = Rotation { size: settings.evidence.rotate_size, age: settings.evidence.rotate_age };
    Ok((journal, Archive::start(sealer, when, to_pack).map_err(io)?))
}

impl Archive {
    fn none() -> Self {
        Self { stop: None, over: Arc::default(), threads: Vec::new() }
    }

    fn start(sealer: Sealer, when: Rotation, to_pack: Vec<PathBuf>) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let (closed, packing) = mpsc::channel();
        for path in to_pack {
            // The other end is still here.
            let _ = closed.send(path);
        }
        let over = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&over);
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let packer = thread("evidence-pack").spawn(move || pack(&packing, &ending))?;
        let keeper = thread("evidence").spawn(move || keep(sealer, &when, &stopped, &closed))?;
        Ok(Self { stop: Some(stop), over, threads: vec![keeper, packer] })
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.stop = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that keeps the evidence panicked");
            }
        }
    }
}

fn keep(mut sealer: Sealer, when: &Rotation, stopped: &Receiver<()>, closed: &Sender<PathBuf>) {
    let mut trouble = Trouble::default();
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        match sealer.tick(clock::now(), when) {
            Ok(path) => {
                trouble = Trouble::default();
                // Without a packer it stays as it is until the next start.
                path.map(|path| closed.send(path));
            }
            Err(error) => trouble.tell(&error),
        }
    }
    if let Err(error) = sealer.finish(clock::now()) {
        tracing::error!(%error, "the last of the evidence is not sealed; the next start does it");
    }
}

/// Tells of trouble that lasts, now and then.
#[derive(Default)]
struct Trouble(u32);

impl Trouble {
    fn tell(&mut self, error: &std::io::Error) {
        if self.0.is_multiple_of(TOLD_EVERY) {
            tracing::error!(%error, "evidence is written, but cannot be sealed or turned");
        }
        self.0 = self.0.wrapping_add(1);
    }
}

fn pack(closed: &Receiver<PathBuf>, over: &AtomicBool) {
    while let Ok(path) = closed.recv() {
        if over.load(Ordering::Acquire) {
            return;
        }
        match evidence::pack(&path) {
            Ok(packed) => tracing::info!(file = %packed.display(), "evidence closed and packed"),
            Err(error) => {
                let file = path.display();
                tracing::error!(%file, %error, "closed evidence cannot be packed; it stays as it is until the next start");
            }
        }
    }
}
