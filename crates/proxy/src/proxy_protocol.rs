//! The PROXY protocol, versions 1 and 2: a front end tells who the client is (HAProxy,
//! `proxy-protocol.txt`).
//!
//! Expected or not is a setting and never guessed: where it is expected, nothing is said and
//! nothing else is read before the header is complete. What stands behind the header (SMTP, or a
//! TLS handshake) is not taken from the socket: [`progress`] says how many octets may be read
//! without touching it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// How long the header may take (section 2: at least three seconds; Postfix waits five).
const HEADER_TIME: Duration = Duration::from_secs(5);

/// The longest header of version 1, CRLF included (section 2.1).
const LINE_MAX: usize = 107;
const LINE_BEGIN: &[u8] = b"PROXY ";
/// The shortest begins like this, CRLF included it is three octets longer.
const LINE_FIRST: usize = b"PROXY UNKNOWN".len() - 1;

/// Section 2.2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and protocol, length.
const BINARY_HEAD: usize = 16;

/// `PP2_TYPE_CRC32C` (section 2.2.3).
const CRC32C: u8 = 0x03;

/// How far a header is.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// So many octets more belong to it at least.
    Needs(usize),
    /// It is complete, and names the client; `None`: the connection is the front end's own.
    Complete(Option<IpAddr>),
}

/// What is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Fault(&'static str);

/// Reads the header, and not one octet more.
///
/// # Errors
///
/// When what comes is no header, or it does not come in time: close, and say nothing.
pub(crate) async fn read_header(stream: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    let read = async {
        let mut held = Vec::new();
        let mut buffer = [0; 512];
        loop {
            let wanted = match progress(&held).map_err(io::Error::other)? {
                Progress::Complete(client) => return Ok(client),
                Progress::Needs(wanted) => wanted.min(buffer.len()),
            };
            let room = buffer.get_mut(..wanted).unwrap_or_default();
            match stream.read(room).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => held.extend_from_slice(room.get(..read).unwrap_or_default()),
            }
        }
    };
    tokio::time::timeout(HEADER_TIME, read).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
}

fn progress(held: &[u8]) -> Result<Progress, Fault> {
    let begins = |with: &[u8]| held.iter().zip(with).all(|(one, other)| one == other);
    match held.first() {
        None => Ok(Progress::Needs(SIGNATURE.len())),
        Some(b'P') if begins(LINE_BEGIN) => line(held),
        Some(b'\r') if begins(SIGNATURE) => binary(held),
        Some(_) => Err(Fault("no PROXY header")),
    }
}

/// `PROXY TCP4|TCP6|UNKNOWN source destination port port CRLF`, in one line of at most 107 octets.
fn line(held: &[u8]) -> Result<Progress, Fault> {
    let short = |least: usize| Ok(Progress::Needs(least.saturating_sub(held.len())));
    let Some(text) = held.strip_suffix(b"\r\n") else {
        if held.contains(&b'\n') || held.iter().rev().skip(1).any(|byte| *byte == b'\r') {
            return Err(Fault("a PROXY line ends with CRLF"));
        }
        return match held.len() {
            LINE_MAX.. => Err(Fault("a PROXY line is too long")),
            ..LINE_FIRST => short(LINE_FIRST),
            _ if held.ends_with(b"\r") => Ok(Progress::Needs(1)),
            at => Ok(Progress::Needs((LINE_MAX - at).min(2))),
        };
    };
    let text = std::str::from_utf8(text).map_err(|_| Fault("a PROXY line is ASCII"))?;
    if text.contains('\r') {
        return Err(Fault("a PROXY line ends with CRLF"));
    }
    let mut words = text.split(' ').skip(1);
    let family = words.next().unwrap_or_default();
    if family == "UNKNOWN" {
        return Ok(Progress::Complete(None));
    }
    let wanted: fn(&IpAddr) -> bool = match family {
        "TCP4" => IpAddr::is_ipv4,
        "TCP6" => IpAddr::is_ipv6,
        _ => return Err(Fault("a PROXY line names TCP4, TCP6 or UNKNOWN")),
    };
    let mut address = || words.next()?.parse().ok().filter(wanted);
    let (source, destination) = (address(), address());
    let ports = [words.next(), words.next()].into_iter().all(|word| word.is_some_and(is_port));
    match (source, destination, words.next()) {
        (Some(source), Some(_), None) if ports => Ok(Progress::Complete(Some(source))),
        _ => Err(Fault("a PROXY line has two addresses and two ports")),
    }
}

/// Decimal, without leading zeros.
fn is_port(word: &str) -> bool {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    digits && (word == "0" || !word.starts_with('0')) && word.parse::<u16>().is_ok()
}

fn binary(held: &[u8]) -> Result<Progress, Fault> {
    let Some((&[command, family, high, low], block)) =
        held.get(SIGNATURE.len()..).and_then(|rest| rest.split_first_chunk::<4>())
    else {
        return Ok(Progress::Needs(BINARY_HEAD.saturating_sub(held.len())));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if block.len() < length {
        return Ok(Progress::Needs(length - block.len()));
    }
    match command {
        // Section 2.2: everything behind it is thrown away, the family as well.
        0x20 => return Ok(Progress::Complete(None)),
        0x21 => {}
        _ => return Err(Fault("a PROXY header of an unknown version or command")),
    }
    let (client, addresses) = match family {
        0x00 => (None, 0),
        0x11 => (block.first_chunk::<4>().map(|octets| IpAddr::from(*octets)), 12),
        0x21 => (block.first_chunk::<16>().map(|octets| IpAddr::from(*octets)), 36),
        // A UNIX socket of the front end's machine: nobody with an address.
        0x31 => (None, 216),
        _ => return Err(Fault("a PROXY header of an unknown family or protocol")),
    };
    let extras = block.get(addresses..).ok_or(Fault("a PROXY header without its addresses"))?;
    check(held, extras)?;
    Ok(Progress::Complete(client))
}

/// Walks over the extras (section 2.2.1). Of all of them only the checksum matters.
fn check(header: &[u8], mut extras: &[u8]) -> Result<(), Fault> {
    const BROKEN: Fault = Fault("a PROXY header with broken extras");
    while let Some((&[kind, high, low], rest)) = extras.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, behind) = rest.split_at_checked(length).ok_or(BROKEN)?;
        if kind == CRC32C {
            let told = u32::from_be_bytes(value.try_into().map_err(|_| BROKEN)?);
            let at = header.len() - rest.len();
            // The checksum is made with zeros in its own place (section 2.2.3).
            let octets = header
                .iter()
                .enumerate()
                .map(|(place, octet)| if (at..at + length).contains(&place) { 0 } else { *octet });
            if crc32c(octets) != told {
                return Err(Fault("a PROXY header with a wrong checksum"));
            }
        }
        extras = behind;
    }
    match extras.is_empty() {
        true => Ok(()),
        false => Err(BROKEN),
    }
}

/// RFC 4960 appendix B: the polynomial of Castagnoli, reflected.
fn crc32c(octets: impl Iterator<Item = u8>) -> u32 {
    let crc = octets.fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(octet), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82F6_3B78 } else { 0 }
        })
    });
    !crc
}

#[cfg(test)]
mod tests;
