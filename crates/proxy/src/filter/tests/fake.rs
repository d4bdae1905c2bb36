//! A milter that follows a script.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Notify;

use crate::filter::MilterAddress;

/// A command that it heard.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// On which connection, from 1.
    pub(super) connection: usize,
    pub(super) letter: u8,
    data: Vec<u8>,
}

/// What it does about it.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Says these packets.
    Say(Vec<(u8, Vec<u8>)>),
    /// Says these packets, and closes.
    Last(Vec<(u8, Vec<u8>)>),
    /// Nothing.
    Nothing,
    /// Closes the connection.
    Close,
}

/// One packet without data.
pub(super) fn said(letter: u8) -> Act {
    Act::Say(vec![(letter, Vec::new())])
}

type Script = Arc<dyn Fn(&Heard) -> Act + Send + Sync>;

/// The milter.
pub(super) struct Fake {
    pub(super) address: MilterAddress,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    news: Notify,
}

impl Fake {
    pub(super) async fn tcp(script: impl Fn(&Heard) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = MilterAddress::Tcp(listener.local_addr().unwrap().to_string());
        let (shared, script): (Arc<Shared>, Script) = (Arc::default(), Arc::new(script));
        let all = Arc::clone(&shared);
        tokio::spawn(async move {
            for connection in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, connection, Arc::clone(&all), Arc::clone(&script)));
            }
        });
        Self { address, shared }
    }

    pub(super) async fn unix(
        path: &Path,
        script: impl Fn(&Heard) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (shared, script): (Arc<Shared>, Script) = (Arc::default(), Arc::new(script));
        let all = Arc::clone(&shared);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = serve(stream, 1, all, script).await;
        });
        Self { address: MilterAddress::Unix(path.to_owned()), shared }
    }

    /// All commands but macros, as text: NUL as a space.
    pub(super) fn commands(&self) -> Vec<String> {
        let heard = self.shared.heard.lock().unwrap();
        heard.iter().filter(|one| one.letter != b'D').map(Heard::text).collect()
    }

    /// The command behind those there are now, or the last of them if it is to quit or abort.
    pub(super) async fn next_command(&self) -> String {
        let begun = self.commands().len();
        loop {
            let news = self.shared.news.notified();
            let all = self.commands();
            match all.last() {
                Some(last) if all.len() > begun || matches!(&**last, "A" | "Q") => {
                    return last.clone();
                }
                _ => news.await,
            }
        }
    }

    /// The value of a macro that was told for a step, at any time.
    pub(super) fn macro_of(&self, step: char, name: &str) -> Option<String> {
        let heard = self.shared.heard.lock().unwrap();
        heard.iter().rev().find_map(|one| one.value(step, name))
    }

    /// The same, when that step was told last.
    pub(super) fn last_macro_of(&self, step: char, name: &str) -> Option<String> {
        let heard = self.shared.heard.lock().unwrap();
        let of_step = |one: &&Heard| one.letter == b'D' && one.data.first() == Some(&(step as u8));
        heard.iter().rev().find(of_step)?.value(step, name)
    }
}

impl Heard {
    fn text(&self) -> String {
        let data = match self.letter {
            // The rest are numbers.
            b'O' => Vec::new(),
            b'C' => self.data.split(|byte| *byte == 0).next().unwrap().to_vec(),
            _ => self.data.clone(),
        };
        let data = data.strip_suffix(b"\0").unwrap_or(&data);
        let text = String::from_utf8_lossy(data).replace('\0', " ");
        format!("{}{text}", char::from(self.letter))
    }

    fn value(&self, step: char, name: &str) -> Option<String> {
        if self.letter != b'D' || self.data.first() != Some(&(step as u8)) {
            return None;
        }
        let mut words = self.data[1..].split(|byte| *byte == 0);
        while let (Some(found), Some(value)) = (words.next(), words.next()) {
            if found == name.as_bytes() {
                return Some(String::from_utf8(value.to_vec()).unwrap());
            }
        }
        None
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    shared: Arc<Shared>,
    script: Script,
) -> io::Result<()> {
    loop {
        let length = stream.read_u32().await? as usize;
        let mut packet = vec![0; length];
        stream.read_exact(&mut packet).await?;
        let heard = Heard { connection, letter: packet[0], data: packet[1..].to_vec() };
        shared.heard.lock().unwrap().push(heard.clone());
        shared.news.notify_waiters();
        let act = match heard.letter {
            b'O' => {
                // Version 6, all actions, spaces in front of values are kept.
                let numbers = [6u32, 0x1f, 0x10_0400].map(u32::to_be_bytes).concat();
                Act::Say(vec![(b'O', numbers)])
            }
            b'D' | b'A' | b'Q' => Act::Nothing,
            _ => script(&heard),
        };
        let (packets, last) = match act {
            Act::Say(packets) => (packets, false),
            Act::Last(packets) => (packets, true),
            Act::Nothing => (Vec::new(), false),
            Act::Close => return Ok(()),
        };
        let mut out = Vec::new();
        for (letter, data) in packets {
            out.extend_from_slice(&(data.len() as u32 + 1).to_be_bytes());
            out.push(letter);
            out.extend_from_slice(&data);
        }
        stream.write_all(&out).await?;
        if last {
            return Ok(());
        }
    }
}
