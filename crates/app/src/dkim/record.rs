//! What the world is told of a key: the TXT record at `<selector>._domainkey.<domain>` (RFC 6376
//! s3.6.1, RFC 8463 s4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// DER of the algorithm identifier rsaEncryption with its NULL (RFC 8017 A.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The text of the record of an RSA key, given as RSAPublicKey in DER. What stands in it is the
/// SubjectPublicKeyInfo around it, as every signer publishes it (RFC 6376 erratum 3017).
pub(super) fn rsa(public_key: &[u8]) -> String {
    let mut bits = vec![0];
    bits.extend_from_slice(public_key);
    let mut info = RSA_ENCRYPTION.to_vec();
    info.extend(der(0x03, &bits));
    format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(der(0x30, &info)))
}

/// The text of the record of an Ed25519 key, given as its 32 octets.
pub(super) fn ed25519(public_key: &[u8]) -> String {
    format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(public_key))
}

/// One DER value, of at most 65,535 octets.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let mut value = vec![tag];
    match length {
        0..=0x7f => value.push(low),
        0x80..=0xff => value.extend([0x81, low]),
        _ => value.extend([0x82, high, low]),
    }
    value.extend_from_slice(content);
    value
}
