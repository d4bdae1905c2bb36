//! A road of a given length: what is written at one end comes out at the other a while later, in
//! the same order. Setting up the TCP connection takes no time, which is to the advantage of
//! whoever opens more of them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Listens, and forwards to `target` until the process ends; each way takes `delay`.
pub(super) fn start(target: SocketAddr, delay: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // Without the smarthost there is nothing to connect: the client sees the end.
            let _ = join(client, target, delay);
        }
    });
    Ok(address)
}

fn join(client: TcpStream, target: SocketAddr, delay: Duration) -> Result<()> {
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    carry(client.try_clone()?, server.try_clone()?, delay);
    carry(server, client, delay);
    Ok(())
}

/// One way; an end of it is as long on the road as bytes are.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (road, arrivals) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..read).unwrap_or_default().to_vec();
            if road.send((Instant::now() + delay, bytes)).is_err() {
                return;
            }
        }
        let _ = road.send((Instant::now() + delay, Vec::new()));
    });
    thread::spawn(move || {
        for (due, bytes) in arrivals {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if bytes.is_empty() || to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
