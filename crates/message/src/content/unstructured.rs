//! Values of fields as one line of text (RFC 5322 s2.2.1).

use crate::decoded;

use super::charset;

/// `unstructured = *([FWS] VCHAR) *WSP`, with encoded words (RFC 2047) decoded: as programs
/// read it, the most usual way first.
pub(crate) fn unstructured(value: &[u8]) -> Vec<String> {
    decoded::readings(&unfolded(value))
}

/// The value with its line ends taken out (RFC 5322 s2.2.3).
pub(super) fn unfolded(value: &[u8]) -> String {
    let octets = value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n'));
    charset::text(octets.collect(), None, &mut Vec::new()).trim().to_owned()
}
