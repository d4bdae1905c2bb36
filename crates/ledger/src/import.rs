//! The name of an import: what is reported at its end, and what an undo asks for.

use suppression::Timestamp;

/// An id such as `20260302-1t6k9qz`: the day for people, and 35 bits of `random` so that two
/// imports of one day differ. No letters that are easily misread (Crockford's alphabet).
#[must_use]
pub fn import_id(now: Timestamp, random: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let day: String = now.day().to_string().chars().filter(char::is_ascii_digit).collect();
    let tail = (0..7).rev().filter_map(|at| {
        let digit = (random >> (5 * at)) & 31;
        ALPHABET.get(usize::try_from(digit).unwrap_or(0)).copied().map(char::from)
    });
    format!("{day}-{}", tail.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_day_and_seven_digits() {
        let now: Timestamp = "2026-03-02T10:15:00Z".parse().unwrap();
        assert_eq!(import_id(now, 0), "20260302-0000000");
        assert_eq!(import_id(now, 31 + (1 << 5)), "20260302-000001z");
        assert_eq!(import_id(now, u64::MAX), "20260302-zzzzzzz");
    }
}
