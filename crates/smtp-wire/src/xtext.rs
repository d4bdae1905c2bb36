//! xtext: text inside a parameter. RFC 3461 s4, RFC 6533 s3.
//!
//! Such a value is passed on as it was sent (RFC 3461 s5.2.1: ENVID and ORCPT unchanged), so that
//! looking at it is all that keeps it harmless: printable, without a space, and nothing that is a
//! line break once somebody decodes it (Exim CVE-2020-28026).

/// RFC 3461 s4.2: octets of an ORCPT value.
const ORCPT_MAX: usize = 500;

/// `original-recipient-address = addr-type ";" xtext` (RFC 3461 s4.2), `addr-type = atom`; with
/// SMTPUTF8 also `"utf-8" ";" utf-8-addr-unitext` (RFC 6533 s3).
pub(crate) fn is_original_recipient(value: &str, smtputf8: bool) -> bool {
    let Some((kind, address)) = value.split_once(';') else { return false };
    let unicode = smtputf8 && kind.eq_ignore_ascii_case("utf-8");
    value.len() <= ORCPT_MAX
        && !kind.is_empty()
        && kind.bytes().all(is_atext)
        && (is_xtext(address) || (unicode && is_unitext(address)))
}

/// `atext`, RFC 5322 s3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// `xtext = *( xchar / hexchar )`, `xchar` = `!` to `~` without `+` and `=`,
/// `hexchar = "+" 2(%x30-39 / %x41-46)`, upper-case only (RFC 3461 s4).
///
/// RFC 3461 s4.2 and s4.4 want what is encoded to be printable, so that no line break can hide
/// in it.
pub(crate) fn is_xtext(text: &str) -> bool {
    let mut parts = text.split('+');
    let first = parts.next().unwrap_or_default();
    first.bytes().all(is_xchar)
        && parts.all(|part| {
            let Some((hex, rest)) = part.as_bytes().split_at_checked(2) else { return false };
            let upper = hex.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
            let octet =
                std::str::from_utf8(hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
            upper && matches!(octet, Some(b' '..=b'~')) && rest.iter().copied().all(is_xchar)
        })
}

fn is_xchar(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=')
}

/// `utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar)` (RFC 6533 s3), without white space and
/// control characters of any script.
fn is_unitext(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => is_xchar(byte),
            _ => !character.is_control() && !character.is_whitespace(),
        })
}
