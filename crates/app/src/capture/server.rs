//! The sockets of the capture smarthost.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::message::Captured;
use super::session::{Next, Session};
use super::store::Kept;
use crate::clock;
use crate::error::AppError;

/// RFC 5321 s4.5.3.2.7: a server waits at least five minutes for its client.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// Octets read at a time.
const READ: usize = 32 << 10;

/// How a capture smarthost is set up.
pub struct CaptureSettings {
    /// Where it listens; port 0 for any.
    pub listen: SocketAddr,
    /// The name it greets with.
    pub hostname: String,
    /// A folder for every message, made if it is not there.
    pub folder: Option<PathBuf>,
    /// Called with every message, before its sender is told that it was taken.
    pub on_message: Box<dyn Fn(&Captured) + Send + Sync>,
}

/// A capture smarthost that listens.
pub struct Capture {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    hostname: String,
    folder: Option<PathBuf>,
    on_message: Box<dyn Fn(&Captured) + Send + Sync>,
    kept: Kept,
}

impl Capture {
    /// Listens.
    ///
    /// # Errors
    /// When the address cannot be had or the folder cannot be made.
    pub async fn bind(settings: CaptureSettings) -> std::io::Result<Self> {
        if let Some(folder) = &settings.folder {
            std::fs::create_dir_all(folder)?;
        }
        let listener = TcpListener::bind(settings.listen).await?;
        let shared = Shared {
            hostname: settings.hostname,
            folder: settings.folder,
            on_message: settings.on_message,
            kept: Kept::default(),
        };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The messages kept in memory.
    pub fn kept(&self) -> Kept {
        self.shared.kept.clone()
    }

    /// Serves until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let shared = self.shared.clone();
                    let mut stop = stop.clone();
                    tokio::spawn(async move {
                        let gone = tokio::select! {
                            gone = serve(stream, peer, &shared) => gone,
                            _ = stop.wait_for(|stop| *stop) => Ok(()),
                        };
                        if let Err(error) = gone {
                            tracing::debug!(%peer, %error, "capture session ended");
                        }
                    });
                }
                // Out of file descriptors, most likely: let some sessions end.
                Err(error) => {
                    tracing::warn!(%error, "capture cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn serve(mut stream: TcpStream, peer: SocketAddr, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session::new(&shared.hostname);
    let mut out = Vec::new();
    session.greeting().encode(&mut out);
    stream.write_all(&out).await?;
    let mut buffer = vec![0; READ];
    loop {
        let Ok(read) = tokio::time::timeout(IDLE_MAX, stream.read(&mut buffer)).await else {
            return stream.write_all(b"421 4.4.2 timeout\r\n").await;
        };
        let read = read?;
        if read == 0 {
            return Ok(());
        }
        out.clear();
        let next =
            session.feed(buffer.get(..read).unwrap_or_default(), &mut out, &mut |received| {
                let now = clock::now().unix_millis();
                let captured = shared.kept.take(received, peer, now, shared.folder.as_deref());
                if let Err(error) = &captured {
                    tracing::error!(%error, "a captured message cannot be stored");
                }
                let captured = captured?;
                (shared.on_message)(&captured);
                Ok(captured.number)
            });
        stream.write_all(&out).await?;
        if next == Next::Close {
            return stream.shutdown().await;
        }
    }
}

/// Serves until SIGTERM or SIGINT. `ready` is told where it listens.
///
/// # Errors
/// When it cannot listen.
pub fn run(settings: CaptureSettings, ready: impl FnOnce(SocketAddr)) -> Result<(), AppError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| AppError::io("the runtime", e))?;
    runtime.block_on(async {
        let listen = settings.listen;
        let io = |e| AppError::io(listen.to_string(), e);
        let capture = Capture::bind(settings).await.map_err(io)?;
        let (stop, stopped) = watch::channel(false);
        ready(capture.address().map_err(io)?);
        let serving = tokio::spawn(capture.run(stopped));
        let of = |kind| signal(kind).map_err(|e| AppError::io("signals", e));
        let (mut terminate, mut interrupt) =
            (of(SignalKind::terminate())?, of(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // It listens as long as it runs.
        let _ = stop.send(true);
        let _ = serving.await;
        Ok(())
    })
}
