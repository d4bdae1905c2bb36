//! HAProxy in front of the gate: it tells by the PROXY protocol who the client is.

use std::net::SocketAddr;
use std::time::Duration;

use crate::peers::Peers;
use crate::port::free_port;
use crate::process::Server;
use crate::scratch::Scratch;

const NAME: &str = "haproxy";

/// A running HAProxy.
pub struct Haproxy {
    _server: Server,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Haproxy {
    /// Starts one in front of `server`; `how` is `send-proxy` or `send-proxy-v2`.
    pub fn start(scratch: &Scratch, server: SocketAddr, how: &str) -> Self {
        let address = free_port();
        let configuration = format!(
            "defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  \
             timeout server 60s\nlisten front\n  bind {address}\n  server gate {server} {how}\n"
        );
        let file = scratch.write(&format!("{how}.cfg"), configuration);
        let mut command = Peers::get().tool(NAME, "program");
        command.arg("-db").arg("-f").arg(file);
        let printed = scratch.path().join(format!("{how}.log"));
        let mut server = Server::start(NAME, &mut command, printed);
        // Anybody may ask whether it listens; the gate then sees a client that hangs up.
        server
            .wait_ready(Duration::from_secs(90), || std::net::TcpStream::connect(address).is_ok());
        Self { _server: server, address }
    }
}
