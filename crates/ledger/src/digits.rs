//! Bytes as hexadecimal digits: keys, fingerprints, ids.

use std::fmt::Write as _;

use suppression::KeyId;

/// The id as the key file writes it.
pub(crate) fn show(id: KeyId) -> String {
    format!("{:08x}", id.0)
}

/// Two lower-case digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Exactly that many bytes, or none.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digits = str::from_utf8(pair).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        *byte = u8::from_str_radix(digits?, 16).ok()?;
    }
    Some(bytes)
}
