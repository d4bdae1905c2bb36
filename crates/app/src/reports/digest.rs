//! Digests as the evidence writes them: the first 128 bits, in hexadecimal digits.

use suppression::Digest;

/// Digits of 128 bits; older records have all 64.
const DIGITS: usize = 32;

/// From what a record says.
pub(super) fn parse(text: &str) -> Option<u128> {
    u128::from_str_radix(text.get(..DIGITS)?, 16).ok()
}

/// As [`parse`] finds the record of this digest.
pub(super) fn short(digest: &Digest) -> u128 {
    let [high, _] = digest.as_bytes().as_chunks::<16>().0 else { return 0 };
    u128::from_be_bytes(*high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_compared() {
        let digest = Digest(std::array::from_fn(|n| u8::try_from(n * 7).unwrap()));
        let whole = digest.to_string();
        assert_eq!(parse(&whole), Some(short(&digest)));
        assert_eq!(parse(&whole[..32]), Some(short(&digest)));
        assert_eq!(parse(&whole[..31]), None);
        assert_eq!(parse("zz"), None);
    }
}
