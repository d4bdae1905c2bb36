//! A smarthost that does not behave: what it says is a function of the test.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a connection may say nothing before the impostor gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens until it is dropped; every connection gets a thread of its own.
pub struct Impostor {
    /// Where it listens.
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Impostor {
    /// Starts one that treats each connection with `script`; an error ends the
    /// connection, as any end of the function does.
    pub fn start(script: fn(&mut TcpStream) -> std::io::Result<()>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port exists");
        let address = listener.local_addr().expect("a bound socket has an address");
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::spawn(move || converse(stream, script));
            }
        });
        Self { address, over, acceptor: Some(acceptor) }
    }
}

fn converse(mut stream: TcpStream, script: fn(&mut TcpStream) -> std::io::Result<()>) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let _ = script(&mut stream);
    let _ = stream.flush();
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}
