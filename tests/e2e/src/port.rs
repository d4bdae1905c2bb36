//! Free ports on the loopback address.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::process::id;
use std::sync::Mutex;

/// Below the ports that Linux gives to outgoing connections (32768 and above, see
/// `ip_local_port_range`): one of those could be taken again by any connection between the
/// moment it is chosen and the moment a server listens there.
const PORTS: Range<u16> = 15_000..32_000;

/// A port nobody listens on. This function never hands out one twice in a run.
pub fn free_port() -> SocketAddr {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let given = given.get_or_insert_default();
    // Runs beside this one begin elsewhere.
    let begin =
        PORTS.start + u16::try_from(id() * 257 % u32::from(PORTS.end - PORTS.start)).unwrap_or(0);
    let mut ports = (begin..PORTS.end).chain(PORTS.start..begin);
    let port = ports.find(|&port| {
        !given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    });
    let port = port.expect("a free port exists");
    given.insert(port);
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
