//! `serve`: a gate from its start to its last session.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::parts::Daemon;
use crate::config::Settings;
use crate::error::AppError;

/// Runs a gate until SIGTERM or SIGINT; a second one ends it at once.
///
/// # Errors
/// When it cannot start.
pub fn serve(settings: Settings) -> Result<(), AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| AppError::io("the runtime", e))?;
    let served = runtime.block_on(run(Arc::new(settings)));
    // Sessions that outlived the grace period are cut off here.
    runtime.shutdown_background();
    served
}

async fn run(settings: Arc<Settings>) -> Result<(), AppError> {
    // Before anything can take long: a signal during the start must not kill a write.
    let mut stop = Signals::new()?;
    let smarthost = settings.smarthost.address.to_string();
    let daemon = tokio::select! {
        daemon = Daemon::start(settings) => daemon?,
        () = stop.next() => return Ok(()),
    };
    let listeners: Vec<_> = daemon.addresses().iter().map(ToString::to_string).collect();
    tracing::info!(listeners = listeners.join(" "), %smarthost, pid = std::process::id(), "ready");
    let (drain, draining) = watch::channel(false);
    let serving = daemon.serve(draining);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = stop.next() => {
            tracing::info!("stopping: no new clients, sessions end; once more to stop at once");
            // Sessions listen as long as they live.
            let _ = drain.send(true);
        }
    }
    tokio::select! {
        () = &mut serving => tracing::info!("stopped"),
        () = stop.next() => tracing::warn!("stopped at once; clients whose mail was not acknowledged send it again"),
    }
    Ok(())
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self, AppError> {
        let of = |kind| signal(kind).map_err(|e| AppError::io("signals", e));
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
