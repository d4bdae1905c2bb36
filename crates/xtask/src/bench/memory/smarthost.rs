//! A smarthost that takes nothing: it says 354, and reads no more.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use socket2::{Domain, Socket, Type};

/// The least the kernel may take in its place: what counts is what the gate holds.
const WINDOW: usize = 4096;
/// Segments as on an Ethernet. Those of the loopback device are 64 KiB long, and the kernel gives
/// every connection megabytes for a few of them.
pub(super) const ETHERNET: u32 = 1460;

/// It listens as long as the program runs.
pub(super) struct Smarthost {
    pub(super) address: SocketAddr,
    /// Connections in the middle of a message.
    stuck: Arc<Mutex<Vec<TcpStream>>>,
}

impl Smarthost {
    pub(super) fn start() -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Connections inherit both.
        socket.set_tcp_mss(ETHERNET)?;
        socket.set_recv_buffer_size(WINDOW)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        socket.listen(1024)?;
        let listener = TcpListener::from(socket);
        let address = listener.local_addr()?;
        let stuck = Arc::new(Mutex::new(Vec::new()));
        let held = Arc::clone(&stuck);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let held = Arc::clone(&held);
                std::thread::spawn(move || {
                    if let Ok(stream) = until_data(stream)
                        && let Ok(mut held) = held.lock()
                    {
                        held.push(stream);
                    }
                });
            }
        });
        Ok(Self { address, stuck })
    }

    /// Messages that have begun and will not end.
    pub(super) fn stuck(&self) -> usize {
        self.stuck.lock().map_or(0, |stuck| stuck.len())
    }

    /// Hangs up on all of them.
    pub(super) fn let_go(&self) {
        if let Ok(mut stuck) = self.stuck.lock() {
            stuck.clear();
        }
    }
}

/// Answers up to 354 and gives the connection that is in the middle of a message.
fn until_data(stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(300)))?;
    let mut input = BufReader::with_capacity(1024, stream.try_clone()?);
    let mut output = stream;
    output.write_all(b"220 slow.example ESMTP\r\n")?;
    let mut line = Vec::new();
    loop {
        line.clear();
        input.read_until(b'\n', &mut line)?;
        let verb = line.get(..4).context("the connection was closed")?.to_ascii_uppercase();
        let reply: &[u8] = match verb.as_slice() {
            b"EHLO" => b"250-slow.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            b"DATA" => {
                output.write_all(b"354 go on\r\n")?;
                return Ok(output);
            }
            _ => b"250 2.0.0 yes\r\n",
        };
        output.write_all(reply)?;
    }
}
