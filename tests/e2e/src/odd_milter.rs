//! A milter that does not keep to the protocol: what it answers to each command is bytes
//! of the test. Sendmail's library would not let a script do this.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::door::Door;

/// How long a connection may say nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// The letter of a command, and what belongs to it.
type Command = (char, Vec<u8>);

/// A running one. Its threads end with their connections, at the latest with the program.
pub struct OddMilter {
    /// Where it listens.
    pub door: Door,
    heard: Arc<Mutex<Vec<Command>>>,
}

/// What it does when a command comes.
#[derive(Debug, Clone)]
pub enum Does {
    /// It answers in the usual way: as asked to the negotiation, and by continue.
    Usual,
    /// It sends packets: a letter and what belongs to it.
    Packets(Vec<(char, Vec<u8>)>),
    /// It sends these bytes.
    Bytes(Vec<u8>),
    /// It says nothing.
    Nothing,
    /// It hangs up.
    HangsUp,
}

impl OddMilter {
    /// Starts one that answers as `answer` says, a function of the letter of the command and
    /// what belongs to it. Macros have no answer and are not asked about.
    pub fn start(answer: impl Fn(char, &[u8]) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port exists");
        let address: SocketAddr = listener.local_addr().expect("a bound socket has an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (shared, answer) = (Arc::clone(&heard), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    let _ = converse(stream, |letter, data| {
                        let mut heard = shared.lock().unwrap_or_else(PoisonError::into_inner);
                        heard.push((letter, data.to_vec()));
                        drop(heard);
                        answer(letter, data)
                    });
                });
            }
        });
        Self { door: Door::Port(address), heard }
    }

    /// The commands it has heard, their letters and what belonged to them.
    pub fn heard(&self) -> Vec<Command> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A packet of the protocol: its length, its letter, what belongs to it.
    pub fn packet(letter: char, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len() + 1).expect("a packet of a test is short");
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(u8::try_from(letter).expect("a letter is ASCII"));
        packet.extend_from_slice(data);
        packet
    }
}

fn converse(mut stream: TcpStream, answer: impl Fn(char, &[u8]) -> Does) -> std::io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length == 0 || length > 1_000_000 {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut packet = vec![0; length];
        stream.read_exact(&mut packet)?;
        let Some((letter, data)) = packet.split_first() else { continue };
        let letter = char::from(*letter);
        match (answer(letter, data), letter) {
            // Macros, the end of a transaction, the end of the session: no answer.
            (Does::Usual, 'D' | 'A' | 'K') | (Does::Nothing, _) => {}
            (Does::Usual, 'Q') | (Does::HangsUp, _) => return Ok(()),
            // Version 6, all that was offered, every step wanted.
            (Does::Usual, 'O') => {
                let mut terms = 6u32.to_be_bytes().to_vec();
                terms.extend(data.get(4..8).unwrap_or_default());
                terms.extend([0; 4]);
                stream.write_all(&OddMilter::packet('O', &terms))?;
            }
            (Does::Usual, _) => stream.write_all(&OddMilter::packet('c', b""))?,
            (Does::Packets(packets), _) => {
                for (letter, data) in packets {
                    stream.write_all(&OddMilter::packet(letter, &data))?;
                }
            }
            (Does::Bytes(bytes), _) => stream.write_all(&bytes)?,
        }
    }
}
