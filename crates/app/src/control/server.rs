//! The gate's side of the control socket.
//!
//! Threads, not tasks: requests wait for the keeper, whose interface blocks, and there
//! are few of them. The socket appears under its name only when it is ready and closed
//! to others, because it is bound under another one and renamed.

use std::io::{BufReader, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::protocol::{Reply, read_line, to_line};
use crate::clerk::{Clerk, Request};
use crate::error::{AppError, Blame};

/// Requests at a time.
const SEATS: usize = 16;
/// How long a client may take to say what it wants.
const ASKING: Duration = Duration::from_secs(30);

/// A control socket that is served. Dropping it removes the socket.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ControlServer {
    /// Binds the socket and serves it. Whoever asks is answered by the clerk of that moment. The caller holds the ledger's lock, so that
    /// another gate of this ledger cannot be behind an existing socket.
    ///
    /// # Errors
    /// When the path is something else than a socket, or a socket that answers.
    pub fn start(path: &Path, clerk: Arc<ArcSwap<Clerk>>) -> Result<Self, AppError> {
        make_way(path)?;
        let listener = bind(path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept(&listener, &clerk, &stopping))
            .map_err(|e| AppError::io(path, e))?;
        Ok(Self { path: path.to_path_buf(), stop, thread: Some(thread) })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread; it looks at the flag first.
        let _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // It may be gone already, with its folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A socket that nobody listens on is left over from a gate that was killed.
fn make_way(path: &Path) -> Result<(), AppError> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(AppError::io(path, error)),
    };
    let taken = |what: &str| {
        AppError::io(path, std::io::Error::new(std::io::ErrorKind::AddrInUse, what.to_owned()))
    };
    if !kind.is_socket() {
        return Err(taken("this is no socket; correct [control] socket"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(taken("another program answers here; correct [control] socket")),
        Err(_) => Ok(()),
    }
}

fn bind(path: &Path) -> Result<UnixListener, AppError> {
    let io = |e| AppError::io(path, e);
    let own = path.with_extension(format!("{}.tmp", std::process::id()));
    // Of an earlier process with our number.
    let _ = std::fs::remove_file(&own);
    let listener = UnixListener::bind(&own).map_err(io)?;
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o600)).map_err(io)?;
    std::fs::rename(&own, path).map_err(io)?;
    Ok(listener)
}

fn accept(listener: &UnixListener, clerk: &ArcSwap<Clerk>, stop: &AtomicBool) {
    let busy = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "control socket");
                crate::clock::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if busy.load(Ordering::Acquire) >= SEATS {
            let full = Reply::Failed {
                message: "too many commands at once, try again".to_owned(),
                fault: Blame::Temporary,
            };
            // Whoever is not there any more needs no answer.
            let _ = to_line(&full).and_then(|line| (&stream).write_all(&line));
            continue;
        }
        busy.fetch_add(1, Ordering::AcqRel);
        let (clerk, seat) = (clerk.load_full(), Seat(busy.clone()));
        let spawned =
            std::thread::Builder::new().name("control-request".to_owned()).spawn(move || {
                let _seat = seat;
                if let Err(error) = serve(&stream, &clerk) {
                    tracing::debug!(%error, "control request");
                }
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "control request not served");
        }
    }
}

/// Gives the seat back, even by a panic.
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn serve(stream: &UnixStream, clerk: &Clerk) -> std::io::Result<()> {
    stream.set_read_timeout(Some(ASKING))?;
    stream.set_write_timeout(Some(ASKING))?;
    let Some(line) = read_line(&mut BufReader::new(stream))? else { return Ok(()) };
    let mut out = stream;
    let reply = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => {
            let mut tell = |progress| {
                // Progress that nobody reads is no reason to stop the work.
                let _ = to_line(&Reply::Progress(progress)).and_then(|line| out.write_all(&line));
            };
            match clerk.answer(&request, &mut tell) {
                Ok(answer) => Reply::Done { answer },
                Err(error) => Reply::of_error(&error),
            }
        }
        Err(error) => Reply::Failed {
            message: format!(
                "this gate ({}) does not know the request: {error}",
                env!("CARGO_PKG_VERSION")
            ),
            fault: Blame::Data,
        },
    };
    out.write_all(&to_line(&reply)?)
}
