//! An interrupt from the keyboard must not leave servers behind: their groups are
//! noted here and ended before this program ends.

use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process_group};

static NOTED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Remembers a process group to be ended.
pub(super) fn note(group: u32) {
    if let Ok(mut noted) = NOTED.lock() {
        noted.push(group);
    }
}

/// Forgets a group that has ended.
pub(super) fn forget(group: u32) {
    if let Ok(mut noted) = NOTED.lock() {
        noted.retain(|&other| other != group);
    }
}

/// From now on SIGINT and SIGTERM end what is noted, then this program.
pub(super) fn watch() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        });
        let groups = NOTED.lock().map(|noted| noted.clone()).unwrap_or_default();
        for group in groups {
            if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
        std::process::exit(130);
    });
}
