//! The demo from its first file to its last message.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::seed::{SEEDED, seed};
use super::steps::{STEPS, StepOutcome};
use crate::capture::{Capture, CaptureSettings, Captured};
use crate::clerk::{Addition, Request};
use crate::config::{Settings, Surroundings, load};
use crate::control::Reach;
use crate::daemon::Daemon;
use crate::error::AppError;

/// How the demo is to be played.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The folder of everything it writes.
    pub folder: PathBuf,
    /// Where the gate listens.
    pub listen: SocketAddr,
    /// Whether it ends after the last message.
    pub once: bool,
}

/// What there is to tell.
pub enum DemoEvent<'a> {
    /// Everything runs.
    Ready {
        /// Where the gate listens.
        gate: SocketAddr,
        /// Where the sink listens.
        sink: SocketAddr,
        /// The configuration it all runs with.
        config: &'a Path,
        /// The ledger.
        ledger: &'a Path,
        /// Opt-outs in it.
        seeded: u64,
    },
    /// A message reached the sink.
    Captured(&'a Captured),
    /// A step is over.
    Step(&'a StepOutcome),
    /// The last step is over; what follows is the user's.
    Over,
}

/// Tells what happens.
pub type Tell = Arc<dyn Fn(DemoEvent<'_>) + Send + Sync>;

/// Plays the demo. Returns whether everything happened as it should.
///
/// # Errors
/// When something cannot be started.
pub fn run(options: &DemoOptions, tell: &Tell) -> Result<bool, AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| AppError::io("the runtime", e))?;
    let played = runtime.block_on(play(options, tell));
    runtime.shutdown_background();
    played
}

async fn play(options: &DemoOptions, tell: &Tell) -> Result<bool, AppError> {
    // Before the folder is made anew: it may be that of a demo that runs.
    let listen = free(options.listen).await?;
    let (sink, kept_by) = (sink(tell).await?, tell.clone());
    let sink_at = sink.address().map_err(|e| AppError::io("the sink", e))?;
    let config = seed(&options.folder, listen, sink_at)?;
    let settings = settings(&config)?;
    let daemon = Daemon::start(settings.clone()).await?;
    let gate = daemon.addresses().first().copied().unwrap_or(listen);
    let (stop, stopped) = watch::channel(false);
    let sink = tokio::spawn(sink.run(stopped.clone()));

    let ready = tokio::task::block_in_place(|| daemon.lists_settled(Duration::from_secs(30)));
    let found = daemon.keeper().index().load().len() as u64;
    let ledger = settings.ledger.path.clone();
    kept_by(DemoEvent::Ready {
        gate,
        sink: sink_at,
        config: &config,
        ledger: &ledger,
        seeded: found,
    });
    let serving = tokio::spawn(daemon.serve(stopped));
    let mut well = ready && found == SEEDED;
    for (n, step) in STEPS.iter().enumerate() {
        if let Some(address) = step.add {
            opt_out(&settings, address).await?;
        }
        let outcome =
            step.take(n + 1, gate).await.map_err(|e| AppError::io("the demo's mail", e))?;
        well &= outcome.as_expected;
        tell(DemoEvent::Step(&outcome));
    }
    tell(DemoEvent::Over);
    if !options.once {
        wait_for_signal().await?;
    }
    // Both listen as long as they run.
    let _ = stop.send(true);
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        let _ = serving.await;
        let _ = sink.await;
    });
    if ended.await.is_err() {
        tracing::warn!("some sessions were cut off");
    }
    Ok(well)
}

/// The address to listen on, if it is free.
async fn free(listen: SocketAddr) -> Result<SocketAddr, AppError> {
    match TcpListener::bind(listen).await {
        Ok(bound) => bound.local_addr().map_err(|e| AppError::io(listen.to_string(), e)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(AppError::Unavailable(format!(
                "{listen} is taken, perhaps by another demo; another port: --listen 127.0.0.1:2625, any free one: --listen 127.0.0.1:0"
            )))
        }
        Err(error) => Err(AppError::io(listen.to_string(), error)),
    }
}

async fn sink(tell: &Tell) -> Result<Capture, AppError> {
    let tell = tell.clone();
    let settings = CaptureSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        hostname: "sink.optgate.example".to_owned(),
        folder: None,
        on_message: Box::new(move |message| tell(DemoEvent::Captured(message))),
    };
    Capture::bind(settings).await.map_err(|e| AppError::io("the sink", e))
}

fn settings(config: &Path) -> Result<Arc<Settings>, AppError> {
    let loaded =
        load(config, &Surroundings::of_this_process()).map_err(|e| AppError::io(config, e))?;
    match loaded.settings {
        Some(settings) => Ok(Arc::new(settings)),
        None => Err(AppError::Input(loaded.report.render(false))),
    }
}

/// What `optgate optout add` does.
async fn opt_out(settings: &Arc<Settings>, address: &str) -> Result<(), AppError> {
    let request = Request::Add(Addition {
        kind: suppression::Kind::OptOut,
        domains: false,
        expires: None,
        basis: suppression::Basis::Express,
        addresses: vec![address.to_owned()],
        scope: suppression::Scope::Commercial,
        source: "manual".to_owned(),
        stated: None,
        reason: Some("asked during the demo".to_owned()),
        evidence: std::collections::BTreeMap::new(),
    });
    let settings = settings.clone();
    let asked = tokio::task::spawn_blocking(move || {
        Reach::find(&settings, ledger::IfMissing::Refuse)?.ask(&request, &mut |_| ())
    });
    asked.await.map_err(|e| AppError::io("the demo's opt-out", e.into()))?.map(|_| ())
}

async fn wait_for_signal() -> Result<(), AppError> {
    let of = |kind| signal(kind).map_err(|e| AppError::io("signals", e));
    let (mut terminate, mut interrupt) =
        (of(SignalKind::terminate())?, of(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
