//! What the encoded words (RFC 2047) of a `From` hide from whoever parses before he decodes.
//!
//! Others decode first, and parse what comes out.

use address::{Domain, Mailbox};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::charset::single_octets;

/// Octets of one encoded word's text that are decoded. RFC 2047 s2 allows 75 for all of it, and
/// what begins many times before one end would be decoded as often.
pub(super) const ENCODED_MAX: usize = 2000;

/// Base64 as programs write it, with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is hidden, and can be told.
#[derive(Default)]
pub(super) struct Hidden {
    /// Signs that part a list of addresses, or begin or end a part of one.
    pub(super) divides: bool,
    /// The domain of each address that stands there instead of a name.
    pub(super) domains: Vec<Domain>,
}

/// `None`: a word hides an angle bracket, a control character or part of an address, or it
/// cannot be told what it hides.
///
/// encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
pub(super) fn hidden(value: &str) -> Option<Hidden> {
    let mut hidden = Hidden::default();
    let mut rest = value;
    while let Some((_, behind)) = rest.split_once("=?") {
        rest = behind;
        let mut parts = behind.splitn(3, '?');
        let (Some(charset), Some(encoding), Some(tail)) =
            (parts.next(), parts.next(), parts.next())
        else {
            break;
        };
        // Without an end there is no word behind this one either.
        let Some((text, after)) = tail.split_once("?=") else { break };
        if text.len() > ENCODED_MAX {
            return None;
        }
        let decoded = match encoding {
            "q" | "Q" => from_q(text),
            // What is cut within a group of four is put together by some programs.
            "b" | "B" if text.len() % 4 != 0 && after.contains("=?") => return None,
            // Some skip what is no base64, and go on behind it.
            "b" | "B" => LENIENT.decode(text).ok()?,
            _ => continue,
        };
        let charset = charset.split('*').next().unwrap_or_default();
        let decoded = single_octets(charset, decoded)?;
        if decoded.iter().any(|byte| matches!(byte, b'<' | b'>' | 0..=31 | 127)) {
            return None;
        }
        hidden.divides |= decoded.iter().any(|byte| br#",;:"()[]\"#.contains(byte));
        if decoded.contains(&b'@') {
            hidden.domains.push(instead_of_a_name(&decoded, after)?);
        }
    }
    Some(hidden)
}

/// The domain of an address that is all of a word, with the true address behind it, as programs
/// write it that know no name. With anything else around it, readers differ in where it ends.
fn instead_of_a_name(decoded: &[u8], after: &str) -> Option<Domain> {
    after.trim_start_matches(['"', ' ', '\t']).strip_prefix('<')?;
    let text = std::str::from_utf8(decoded).ok().filter(|text| text.is_ascii())?;
    let mailbox = Mailbox::parse(text).ok()?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_+".contains(letter);
    mailbox.local().chars().all(plain).then(|| mailbox.domain().clone())
}

/// RFC 2047 s4.2.
fn from_q(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let hex = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (byte, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'=', Some(value)) => {
                out.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => out.push(*byte),
        }
    }
    out
}
