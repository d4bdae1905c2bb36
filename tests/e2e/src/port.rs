//! Free ports on the loopback address.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;

/// A port nobody listens on. The system does not hand out a port again soon, and
/// this function never hands out one twice in a run.
pub fn free_port() -> SocketAddr {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port exists");
        let address = listener.local_addr().expect("a bound socket has an address");
        if given.get_or_insert_default().insert(address.port()) {
            return address;
        }
    }
}
