//! A smarthost with scripted replies: aiosmtpd with `programs/smarthost.py`.
//!
//! It tells what arrived exactly: envelope, parameters, and the content before
//! any mail server could touch it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::peers::Peers;
use crate::port::free_port;
use crate::process::Server;
use crate::scratch::Scratch;
use crate::wire::Dialogue;

/// The running script.
pub struct Aiosmtpd {
    server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    folder: PathBuf,
}

/// One message that it has taken.
#[derive(Debug)]
pub struct Taken {
    /// The reverse-path.
    pub from: String,
    /// The forward-paths.
    pub to: Vec<String>,
    /// The parameters of MAIL.
    pub mail_options: Vec<String>,
    /// The content with its line ends as they came.
    pub content: Vec<u8>,
}

impl Aiosmtpd {
    /// Starts one in `scratch`.
    pub fn start(scratch: &Scratch) -> Self {
        let address = free_port();
        let folder = scratch.folder("aiosmtpd", None, 0o755);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/smarthost.py");
        let mut command = Peers::get().command("aiosmtpd");
        command.arg(script).arg(address.port().to_string()).arg(&folder);
        let log = scratch.path().join("aiosmtpd.log");
        let mut server = Server::start("aiosmtpd", &mut command, log);
        server.wait_ready(Duration::from_secs(90), || Dialogue::open(address).is_ok());
        Self { server, address, folder }
    }

    /// What it has taken so far, in order.
    pub fn taken(&self) -> Vec<Taken> {
        let files = (1..).map(|number| self.folder.join(format!("{number}.json")));
        files
            .map_while(|file| std::fs::read(file).ok())
            .map(|text| {
                let record: Value = serde_json::from_slice(&text).expect("the script writes JSON");
                let field = |name: &str| record.get(name).cloned().unwrap_or_default();
                let texts = |name: &str| {
                    let list = field(name);
                    let list = list.as_array().cloned().unwrap_or_default();
                    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                };
                Taken {
                    from: field("from").as_str().unwrap_or_default().to_owned(),
                    to: texts("to"),
                    mail_options: texts("mail_options"),
                    content: from_base64(field("content").as_str().unwrap_or_default()),
                }
            })
            .collect()
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.server.kill();
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for digit in text.bytes().filter_map(value) {
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    out
}
