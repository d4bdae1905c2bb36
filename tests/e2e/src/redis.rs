//! Redis: a store of its own for each test.
//!
//! It writes each change to a file without waiting for the disk, so that everything is
//! there again after a kill.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::authority::Authority;
use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Server, run};
use crate::scratch::Scratch;

const NAME: &str = "redis";
const START_LIMIT: Duration = Duration::from_secs(60);
/// A million members are added within this.
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// A running server.
pub struct Redis {
    server: Server,
    /// Where it listens; TLS begins at once where there is any.
    pub address: SocketAddr,
    folder: PathBuf,
    ca: Option<PathBuf>,
}

impl Redis {
    /// Who may read everything and change nothing.
    pub const USER: &str = "reader";
    /// Its password.
    pub const PASSWORD: &str = "sesam-und'%20auf";

    /// Starts one without TLS.
    pub fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, None)
    }

    /// Starts one that speaks nothing but TLS.
    pub fn start_with_tls(scratch: &Scratch, authority: &Authority) -> Self {
        Self::start_with(scratch, Some(authority))
    }

    fn start_with(scratch: &Scratch, authority: Option<&Authority>) -> Self {
        let folder = scratch.folder("redis", None, 0o755);
        let address = free_port();
        let ports = match authority {
            None => format!("port {}\n", address.port()),
            Some(authority) => format!(
                "port 0\ntls-port {}\ntls-cert-file {}\ntls-key-file {}\ntls-auth-clients no\n",
                address.port(),
                authority.certificate.display(),
                authority.key.display(),
            ),
        };
        let configuration = format!(
            "bind 127.0.0.1\n{ports}dir {folder}\nsave \"\"\nappendonly yes\nappendfsync no\n\
             daemonize no\nuser default on nopass ~* &* +@all\n\
             user {user} on \">{password}\" ~* -@all +@read +@connection\n",
            folder = folder.display(),
            user = Self::USER,
            password = Self::PASSWORD,
        );
        std::fs::write(folder.join("redis.conf"), configuration).expect("a file can be written");
        let server = serve(&folder);
        let ca = authority.map(|authority| authority.ca.clone());
        let mut server = Self { server, address, folder, ca };
        server.wait();
        server
    }

    /// Gives one command, and says what was answered.
    ///
    /// # Panics
    /// When the server does not take it.
    pub fn command(&self, words: &[&str]) -> String {
        let ran = run(self.client().arg("-e").args(words), LOAD_LIMIT);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.text());
        ran.out.trim_end().to_owned()
    }

    /// Gives many commands, one a line.
    ///
    /// # Panics
    /// When the server does not take all of them.
    pub fn load(&self, lines: &str) {
        let file = self.folder.join("load");
        std::fs::write(&file, lines).expect("a file can be written");
        let file = std::fs::File::open(&file).expect("a file can be read");
        let ran = run(self.client().arg("--pipe").stdin(Stdio::from(file)), LOAD_LIMIT);
        assert!(ran.code == 0 && ran.text().contains("errors: 0"), "{}", ran.text());
    }

    /// How often each command was given, as the server counts.
    pub fn commands(&self) -> String {
        self.command(&["INFO", "commandstats"])
    }

    fn client(&self) -> Command {
        let mut client = Peers::get().tool(NAME, "client");
        client.args(["-h", "127.0.0.1", "-p", &self.address.port().to_string()]);
        if let Some(ca) = &self.ca {
            client.args(["--tls", "--cacert"]).arg(ca);
        }
        client.stdin(Stdio::null());
        client
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`Redis::kill`].
    pub fn restart(&mut self) {
        self.server = serve(&self.folder);
        self.wait();
    }

    fn wait(&mut self) {
        let mut ping = self.client();
        ping.arg("PING");
        // While it reads its file it answers LOADING.
        self.server.wait_ready(START_LIMIT, || run(&mut ping, START_LIMIT).out.trim() == "PONG");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Its files go with it: there is nothing to put in order.
        self.server.kill();
    }
}

fn serve(folder: &Path) -> Server {
    let mut command = Peers::get().tool(NAME, "program");
    Server::start(NAME, command.arg(folder.join("redis.conf")), folder.join("redis.log"))
}
