//! A dialogue under TLS, by `openssl s_client`.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::peers::Peers;
use crate::process::{Ran, run};
use crate::wire::Reply;

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to an SMTP server, past the handshake.
pub struct Encrypted {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Encrypted {
    /// Connects; `words` are more arguments, such as `-starttls smtp`, after which the greeting
    /// is already read.
    ///
    /// # Panics
    /// When openssl cannot be started.
    pub fn open(address: SocketAddr, words: &[&str]) -> Self {
        let mut command = Peers::get().command("openssl");
        command.args(["s_client", "-quiet", "-connect", &address.to_string()]).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl starts");
        let input = child.stdin.take().expect("it is a pipe");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let (said, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, input, lines }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.input.write_all(bytes)?;
        self.input.flush()
    }

    /// Sends one command line and reads its reply.
    pub fn ask(&mut self, line: &str) -> std::io::Result<Reply> {
        self.send(format!("{line}\r\n").as_bytes())?;
        self.read()
    }

    /// Reads one reply; an error when the connection ends before it.
    pub fn read(&mut self) -> std::io::Result<Reply> {
        let mut texts = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).map_err(std::io::Error::other)?;
            let code = line.get(..3).and_then(|digits| digits.parse::<u16>().ok());
            let Some(code) = code else {
                return Err(std::io::Error::other(format!("not a reply: {line:?}")));
            };
            texts.push(line.get(4..).unwrap_or_default().trim_end().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text: texts.join("\n") });
            }
        }
    }

    /// Everything about the handshake that openssl prints, and its exit code.
    pub fn look(address: SocketAddr, words: &[&str]) -> Ran {
        let mut command = Peers::get().command("openssl");
        command.args(["s_client", "-connect", &address.to_string()]).args(words);
        run(command.stdin(Stdio::null()), PATIENCE)
    }

    /// Ends it as if the network had, without a word of TLS.
    pub fn cut(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.cut();
    }
}
