//! The user's name in a login that is passed through: read, never the secret beside it.
//!
//! For the rules about streams and for the records. Whether the login is good is the
//! smarthost's to say; a name that cannot be read is no reason to refuse anybody.

use std::sync::Arc;

/// RFC 4616 s2 has no limit; what is longer is no name.
const NAME_MAX: usize = 255;

/// The name in the first message of the client that is not empty.
pub(crate) fn name_in(mechanism: &str, message: &[u8]) -> Option<Arc<str>> {
    let name = match mechanism {
        // RFC 4616 s2: authzid NUL authcid NUL passwd.
        "PLAIN" => message.split(|byte| *byte == 0).nth(1)?.to_vec(),
        // draft-murchison-sasl-login: the name alone.
        "LOGIN" => message.to_vec(),
        // RFC 2195 s2: the name, a space, and the digest.
        "CRAM-MD5" => {
            let space = message.iter().rposition(|byte| *byte == b' ')?;
            message.get(..space)?.to_vec()
        }
        // user={name}^Aauth=Bearer ...
        "XOAUTH2" => {
            let fields = message.split(|byte| *byte == 1);
            fields.into_iter().find_map(|field| field.strip_prefix(b"user="))?.to_vec()
        }
        // RFC 7628 s3.1, RFC 5801 s4: `n,a={name},`.
        "OAUTHBEARER" => unescape(attribute(message, b"a=")?),
        // RFC 5802 s5.1: `n,,n={name},r=...`.
        scram if scram.starts_with("SCRAM-") => unescape(attribute(message, b"n=")?),
        _ => return None,
    };
    let name = String::from_utf8(name).ok()?;
    let is_name = !name.is_empty() && name.len() <= NAME_MAX && !name.chars().any(char::is_control);
    is_name.then(|| name.into())
}

fn attribute<'a>(message: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    message.split(|byte| *byte == b',').find_map(|part| part.strip_prefix(name))
}

/// RFC 5802 s5.1, `saslname`: `=2C` is a comma, `=3D` is `=`.
fn unescape(name: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(name).replace("=2C", ",").replace("=3D", "=").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mechanism_says_it_in_its_own_way() {
        for (mechanism, message, name) in [
            ("PLAIN", &b"\0tim\0tanstaaftanstaaf"[..], Some("tim")),
            ("PLAIN", b"other\0tim\0x", Some("tim")),
            ("PLAIN", b"tim", None),
            ("LOGIN", b"tim@corp.example", Some("tim@corp.example")),
            ("CRAM-MD5", b"tim b913a602c7eda7a495b4e6e7334d3890", Some("tim")),
            ("XOAUTH2", b"user=a@b.example\x01auth=Bearer ya29\x01\x01", Some("a@b.example")),
            ("OAUTHBEARER", b"n,a=a@b.example,\x01auth=Bearer x\x01\x01", Some("a@b.example")),
            ("SCRAM-SHA-256", b"n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO", Some("a,b=c")),
            ("SCRAM-SHA-1", b"n,a=z,n=user,r=fyko", Some("user")),
            ("NTLM", b"NTLMSSP\0\x01", None),
            ("LOGIN", b"a\r\nb", None),
            ("LOGIN", b"", None),
            ("LOGIN", b"\xff", None),
        ] {
            assert_eq!(name_in(mechanism, message).as_deref(), name, "{mechanism}");
        }
        assert_eq!(name_in("LOGIN", &[b'a'; NAME_MAX + 1]), None);
    }
}
