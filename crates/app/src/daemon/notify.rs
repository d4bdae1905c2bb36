//! Telling systemd how the gate is (sd_notify(3)), and being restarted when it hangs.
//!
//! One datagram for each change, to the socket that `NOTIFY_SOCKET` names. Without it nobody is
//! told, and nothing else is different. That systemd is gone is no reason for anything.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::keeper::Keeper;

/// Who is told. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Notify(Option<Arc<(UnixDatagram, SocketAddr)>>);

impl Notify {
    /// As the environment says.
    pub(super) fn of_environment() -> Self {
        let told = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            let address = address(&name).ok()?;
            let socket = UnixDatagram::unbound().ok()?;
            // A full queue must not hold up a signal.
            socket.set_nonblocking(true).ok()?;
            Some(Arc::new((socket, address)))
        });
        Self(told)
    }

    /// Clients are greeted.
    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// Another configuration is being read; [`ready`](Self::ready) follows, whatever comes of it.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the configuration"
        ));
    }

    /// No clients any more; sessions end.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=sessions end");
    }

    /// Keeps the watchdog quiet as long as the runtime runs and the keeper of the ledger answers.
    /// Never returns; at once where there is no watchdog.
    pub(super) async fn watch(self, keeper: Keeper) {
        let Some(every) = watchdog() else { return };
        loop {
            let asked = keeper.clone();
            let answer = tokio::task::spawn_blocking(move || asked.ask(|_| Ok(())));
            // However long it takes: what does not answer is not told as alive.
            if let Ok(Ok(())) = answer.await {
                self.tell("WATCHDOG=1");
            }
            tokio::time::sleep(every).await;
        }
    }

    fn tell(&self, what: &str) {
        let Some((socket, address)) = self.0.as_deref() else { return };
        if let Err(error) = socket.send_to_addr(what.as_bytes(), address) {
            tracing::debug!(%error, "systemd was not told");
        }
    }
}

/// A path, or behind `@` a name without a file.
fn address(name: &OsStr) -> std::io::Result<SocketAddr> {
    match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(name),
    }
}

/// Half of the time after which we count as hung, if somebody watches us.
fn watchdog() -> Option<Duration> {
    let said = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let meant = said("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let micros = said("WATCHDOG_USEC").filter(|micros| meant && *micros > 0)?;
    Some(Duration::from_micros(micros / 2))
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
