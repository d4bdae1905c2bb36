//! `serve`: a gate from its start to its last session.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::start::{Configured, Daemon};
use crate::error::AppError;

/// Runs a gate until SIGTERM or SIGINT; a second one ends it at once. SIGHUP has its configuration
/// read anew.
///
/// # Errors
/// When it cannot start.
pub fn serve(configured: Configured) -> Result<(), AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| AppError::io("the runtime", e))?;
    let served = runtime.block_on(run(configured));
    // Sessions that outlived the grace period are cut off here.
    runtime.shutdown_background();
    served
}

async fn run(configured: Configured) -> Result<(), AppError> {
    // Before anything can take long: a signal during the start must not kill a write.
    let mut signals = Signals::new()?;
    let smarthost = configured.settings.smarthost_names();
    let daemon = tokio::select! {
        daemon = Daemon::start_from(configured) => daemon?,
        () = signals.stop() => return Ok(()),
    };
    let listeners: Vec<_> = daemon.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(listeners = listeners.join(" "), %smarthost, pid = std::process::id(), "ready");
    let (drain, draining) = watch::channel(false);
    let reload = daemon.reload();
    let serving = daemon.serve(draining);
    tokio::pin!(serving);
    loop {
        tokio::select! {
            () = &mut serving => return Ok(()),
            told = signals.next() => match told {
                Told::Reload => {
                    let reload = Arc::clone(&reload);
                    // It logs what came of it.
                    drop(tokio::task::spawn_blocking(move || reload.reload()));
                }
                Told::Stop => break,
            },
        }
    }
    tracing::info!("stopping: no new clients, sessions end; once more to stop at once");
    // Sessions listen as long as they live.
    let _ = drain.send(true);
    tokio::select! {
        () = &mut serving => tracing::info!("stopped"),
        () = signals.stop() => tracing::warn!("stopped at once; clients whose mail was not acknowledged send it again"),
    }
    Ok(())
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, AppError> {
        let of = |kind| signal(kind).map_err(|e| AppError::io("signals", e));
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    /// Until it is to stop.
    async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Stop,
    /// The configuration is to be read anew.
    Reload,
}
