//! One TLS connection without input and output: bytes of the network on one side, bytes of SMTP
//! on the other.
//!
//! The interface of rustls without buffers is used, so that an idle session owns none: what the
//! network brought lies in a buffer that the thread lends, and only the beginning of a record
//! whose rest is still to come is kept here. The same holds for what could not be sent.
//!
//! Invariant: the connection is always given everything that is kept, from the front, because it
//! remembers places in it.

use std::io;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus,
};
use rustls::{CipherSuite, CommonState, ProtocolVersion};

/// Octets of a handshake that has no end: a chain of certificates with the largest keys that are
/// in use takes half of it. A record (RFC 5246 s6.2.3: 18,437 octets) fits as well.
pub(crate) const KEPT_MAX: usize = 32 * 1024;
/// Plain octets put into one record (RFC 8446 s5.1).
const RECORD: usize = 16 * 1024;
/// What a record has around its content, and a change of keys before it.
const AROUND: usize = 128;

/// Which end we are.
enum Role {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

/// A TLS connection.
pub(crate) struct Channel {
    role: Role,
    /// The beginning of a record or a handshake message.
    kept: Vec<u8>,
    /// What was heard and nobody has taken.
    plain: Vec<u8>,
    /// What could not be sent yet.
    sealed: Vec<u8>,
    end: End,
}

/// How far the other side has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// It has said that nothing more comes (`close_notify`).
    Closed,
    /// It broke the rules, or the network did.
    Failed,
}

/// Where plain octets go: first to whoever waits, the rest is kept.
struct Heard<'a> {
    into: &'a mut [u8],
    filled: usize,
    rest: &'a mut Vec<u8>,
}

impl Heard<'_> {
    fn take(&mut self, bytes: &[u8]) {
        let room = self.into.get_mut(self.filled..).unwrap_or_default();
        let fits = if self.rest.is_empty() { room.len().min(bytes.len()) } else { 0 };
        let (now, later) = bytes.split_at(fits);
        if let Some(room) = room.get_mut(..fits) {
            room.copy_from_slice(now);
            self.filled += fits;
        }
        self.rest.extend_from_slice(later);
    }
}

/// What one step came to.
enum Turn {
    Again,
    /// Nothing more can be done without more input.
    Done,
    PeerClosed,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("end", &self.end).finish_non_exhaustive()
    }
}

impl Channel {
    /// The end that was connected to.
    pub(crate) fn server(connection: UnbufferedServerConnection) -> Self {
        Self::new(Role::Server(connection))
    }

    /// The end that connected. Its first message is ready to be sent after [`Self::begin`].
    pub(crate) fn client(connection: UnbufferedClientConnection) -> Self {
        Self::new(Role::Client(connection))
    }

    fn new(role: Role) -> Self {
        let (kept, plain, sealed) = (Vec::new(), Vec::new(), Vec::new());
        Self { role, kept, plain, sealed, end: End::Open }
    }

    fn state(&self) -> &CommonState {
        match &self.role {
            Role::Server(connection) => connection,
            Role::Client(connection) => connection,
        }
    }

    /// The handshake is not done yet.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.state().is_handshaking()
    }

    /// The version and suite that were agreed on.
    pub(crate) fn agreed(&self) -> Option<(ProtocolVersion, CipherSuite)> {
        let state = self.state();
        Some((state.protocol_version()?, state.negotiated_cipher_suite()?.suite()))
    }

    /// The certificates the other side showed, its own first.
    pub(crate) fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        self.state().peer_certificates().unwrap_or_default()
    }

    /// Puts what there is to say first into the output; for the end that connected.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        self.process(&mut [], &mut []).map(|_| ())
    }

    /// Nothing more comes from the other side.
    pub(crate) fn has_ended(&self) -> bool {
        self.end != End::Open
    }

    /// The octets that belong in front of the next input.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Nothing is half heard, and nothing is heard that nobody took.
    pub(crate) fn is_quiet(&self) -> bool {
        self.end == End::Open && self.kept.is_empty() && self.plain.is_empty()
    }

    /// Hands out what was heard before; `None` when there is nothing. An end is `Some(0)`.
    pub(crate) fn take_plain(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        if self.plain.is_empty() {
            return match self.end {
                End::Open => Ok(None),
                End::Closed => Ok(Some(0)),
                End::Failed => Err(io::ErrorKind::ConnectionAborted.into()),
            };
        }
        let taken = self.plain.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..taken), self.plain.get(..taken)) {
            into.copy_from_slice(from);
        }
        self.plain.drain(..taken);
        if self.plain.is_empty() {
            self.plain = Vec::new();
        }
        Ok(Some(taken))
    }

    /// The network's end came without `close_notify`: somebody may have cut off what was to come
    /// (RFC 8446 s6.1), so it is not the end of anything.
    pub(crate) fn cut_off(&mut self) -> io::Error {
        self.end = End::Failed;
        io::ErrorKind::UnexpectedEof.into()
    }

    /// Takes what the network brought, with [`Self::kept`] in front of it; tells how many plain
    /// octets are in `into`. What did not fit is kept for [`Self::take_plain`].
    pub(crate) fn hear(&mut self, input: &mut [u8], into: &mut [u8]) -> io::Result<usize> {
        match self.process(input, into) {
            Ok((used, filled)) => {
                let rest = input.get(used..).unwrap_or_default();
                self.kept.clear();
                if rest.is_empty() {
                    self.kept = Vec::new();
                } else if rest.len() > KEPT_MAX {
                    return Err(self.fail("a message that is too long"));
                } else {
                    self.kept.extend_from_slice(rest);
                }
                Ok(filled)
            }
            Err(error) => Err(error),
        }
    }

    fn process(&mut self, input: &mut [u8], into: &mut [u8]) -> io::Result<(usize, usize)> {
        let mut used = 0;
        let mut heard = Heard { into, filled: 0, rest: &mut self.plain };
        loop {
            let rest = input.get_mut(used..).unwrap_or_default();
            let (discard, turn) = step(&mut self.role, rest, &mut heard, &mut self.sealed);
            used += discard;
            match turn {
                Ok(Turn::Again) => {}
                Ok(Turn::PeerClosed) => self.end = End::Closed,
                Ok(Turn::Done) => break,
                Err(error) => {
                    self.end = End::Failed;
                    // The alert that tells the other side; the input is not looked at again.
                    if wants_write(&self.role) {
                        let _ = step(&mut self.role, &mut [], &mut heard, &mut self.sealed);
                    }
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
            }
        }
        Ok((used, heard.filled))
    }

    fn fail(&mut self, why: &'static str) -> io::Error {
        self.end = End::Failed;
        io::Error::new(io::ErrorKind::InvalidData, why)
    }

    /// Encrypts as much as one record holds into the output; tells how much that was. Nothing
    /// while the handshake is not done.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        let plain = plain.get(..plain.len().min(RECORD)).unwrap_or_default();
        if plain.is_empty() || !self.say(Some(plain))? {
            return Ok(0);
        }
        Ok(plain.len())
    }

    /// Says that nothing more comes from us (RFC 8446 s6.1). Before the handshake is done there
    /// is nothing to say it with.
    pub(crate) fn close(&mut self) {
        if !self.is_handshaking() && self.end != End::Failed {
            let _ = self.say(None);
        }
    }

    /// Plain octets, or the end of them.
    fn say(&mut self, plain: Option<&[u8]>) -> io::Result<bool> {
        loop {
            let said = match &mut self.role {
                Role::Server(connection) => {
                    say(connection.process_tls_records(&mut self.kept), plain, &mut self.sealed)
                }
                Role::Client(connection) => {
                    say(connection.process_tls_records(&mut self.kept), plain, &mut self.sealed)
                }
            };
            match said {
                Ok(Said::Yes) => return Ok(true),
                Ok(Said::No) => return Ok(false),
                Ok(Said::Again) => {}
                Err(error) => {
                    self.end = End::Failed;
                    return Err(error);
                }
            }
        }
    }

    /// Octets that its buffers take up.
    #[cfg(test)]
    pub(crate) fn buffered(&self) -> usize {
        self.kept.capacity() + self.plain.capacity() + self.sealed.capacity()
    }

    /// An earlier session was taken up again.
    #[cfg(test)]
    pub(crate) fn is_resumed(&self) -> bool {
        self.state().handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// What is to be sent, to be taken from the front.
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.sealed
    }

    /// Something is to be sent.
    pub(crate) fn has_output(&self) -> bool {
        !self.sealed.is_empty()
    }
}

fn wants_write(role: &Role) -> bool {
    match role {
        Role::Server(connection) => connection.wants_write(),
        Role::Client(connection) => connection.wants_write(),
    }
}

/// One step of the connection.
fn step(
    role: &mut Role,
    input: &mut [u8],
    heard: &mut Heard<'_>,
    sealed: &mut Vec<u8>,
) -> (usize, Result<Turn, rustls::Error>) {
    match role {
        Role::Server(connection) => turn(connection.process_tls_records(input), heard, sealed),
        Role::Client(connection) => turn(connection.process_tls_records(input), heard, sealed),
    }
}

fn turn<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    heard: &mut Heard<'_>,
    sealed: &mut Vec<u8>,
) -> (usize, Result<Turn, rustls::Error>) {
    let UnbufferedStatus { mut discard, state } = status;
    let turn = match state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        heard.take(record.payload);
                    }
                    Err(error) => return (discard, Err(error)),
                }
            }
            Ok(Turn::Again)
        }
        Ok(ConnectionState::EncodeTlsData(mut message)) => {
            encode(&mut message, sealed);
            Ok(Turn::Again)
        }
        Ok(ConnectionState::TransmitTlsData(message)) => {
            // It lies in our own output, in its order.
            message.done();
            Ok(Turn::Again)
        }
        Ok(ConnectionState::PeerClosed) => Ok(Turn::PeerClosed),
        Ok(
            ConnectionState::BlockedHandshake
            | ConnectionState::WriteTraffic(_)
            | ConnectionState::Closed,
        ) => Ok(Turn::Done),
        // Early data is never allowed, and there are no other states.
        Ok(_) => Err(rustls::Error::General("a state that cannot be".to_owned())),
        Err(error) => Err(error),
    };
    (discard, turn)
}

enum Said {
    Yes,
    /// It cannot be said now.
    No,
    Again,
}

fn say<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    plain: Option<&[u8]>,
    sealed: &mut Vec<u8>,
) -> io::Result<Said> {
    match status.state {
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            let mut room = plain.map_or(0, <[u8]>::len) + AROUND;
            loop {
                let begin = sealed.len();
                sealed.resize(begin + room, 0);
                let out = sealed.get_mut(begin..).unwrap_or_default();
                let written = match plain {
                    Some(plain) => traffic.encrypt(plain, out),
                    None => traffic.queue_close_notify(out),
                };
                sealed.truncate(begin + *written.as_ref().unwrap_or(&0));
                match written {
                    Ok(_) => return Ok(Said::Yes),
                    Err(EncryptError::InsufficientSize(size)) if size.required_size > room => {
                        room = size.required_size;
                    }
                    Err(error) => return Err(io::Error::other(error)),
                }
            }
        }
        Ok(ConnectionState::EncodeTlsData(mut message)) => {
            encode(&mut message, sealed);
            Ok(Said::Again)
        }
        Ok(ConnectionState::TransmitTlsData(message)) => {
            message.done();
            Ok(Said::Again)
        }
        Ok(_) => Ok(Said::No),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}

fn encode<Data>(message: &mut EncodeTlsData<'_, Data>, sealed: &mut Vec<u8>) {
    let begin = sealed.len();
    let mut room = 0;
    // The first try tells how large it is.
    for _ in 0..2 {
        sealed.resize(begin + room, 0);
        match message.encode(sealed.get_mut(begin..).unwrap_or_default()) {
            Ok(written) => return sealed.truncate(begin + written),
            Err(EncodeError::InsufficientSize(size)) => room = size.required_size,
            Err(EncodeError::AlreadyEncoded) => break,
        }
    }
    sealed.truncate(begin);
}
