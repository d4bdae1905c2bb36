use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn the_bits_stand_where_the_documentation_says() {
    // Python: with a = Crockford's alphabet and n = (1_772_446_500_123 << 20) | 0x12345,
    // ''.join(a[n >> 5 * i & 31] for i in reversed(range(13))).
    assert_eq!(Reference::new(1_772_446_500_123, 0x12345).to_string(), "1KJQ0PH8V28T5");
    assert_eq!(Reference::new(0, 0).to_string(), "0000000000000");
    assert_eq!(Reference::new((1 << 45) - 1, u32::MAX).to_string(), "ZZZZZZZZZZZZZ");
    assert_eq!(Reference::new(u64::MAX, 0), Reference::new((1 << 45) - 1, 0));
}

#[test]
fn a_prefix_is_read_as_people_read_it_out() {
    let prefix = |text: &str| text.parse::<ReferencePrefix>().map(|prefix| prefix.0);
    assert_eq!(prefix("01jd7f3k9q2m8"), Ok("01JD7F3K9Q2M8".into()));
    assert_eq!(prefix(" o1JD-7f3k-9q2m8 "), Ok("01JD7F3K9Q2M8".into()));
    assert_eq!(prefix("OIL"), Ok("011".into()));
    assert_eq!(prefix("oil"), Ok("011".into()));
    for bad in ["", "-", "U", "01JD7F3K9Q2M8X", "01JD 7F", "é", "0Ø", "<>", "*"] {
        assert_eq!(prefix(bad), Err(NotAReference), "{bad:?}");
    }
}

#[test]
fn a_whole_reference_has_thirteen_characters() {
    assert!("01JD7F3K9Q2M".parse::<Reference>().is_err());
    assert_eq!("oijd7f3k9q2m8".parse::<Reference>().unwrap().as_str(), "01JD7F3K9Q2M8");
    let json = "\"01JD7F3K9Q2M8\"";
    let read: Reference = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert!(serde_json::from_str::<Reference>("\"01JD\"").is_err());
}

#[test]
fn a_million_references_of_one_millisecond_by_many_threads_are_all_different() {
    const EACH: usize = 1 << 17;
    let mint = Mint::new(u32::MAX - 5, [7; 32]);
    let all: Vec<Vec<Reference>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..EACH).map(|_| mint.next(1_772_446_500_123)).collect()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let different: BTreeSet<_> = all.iter().flatten().collect();
    assert_eq!(different.len(), 8 * EACH);
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(millis in 0_u64..1 << 45, number: u32) {
        let reference = Reference::new(millis, number);
        prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
        prop_assert_eq!(reference.to_string().to_lowercase().parse::<Reference>().unwrap(), reference);
        for length in 1..=REFERENCE_LEN {
            let prefix: ReferencePrefix = reference.as_str()[..length].parse().unwrap();
            prop_assert!(prefix.matches(reference.as_str()));
        }
    }

    #[test]
    fn later_milliseconds_sort_later(a in 0_u64..1 << 45, b in 0_u64..1 << 45, x: u32, y: u32) {
        prop_assume!(a < b);
        prop_assert!(Reference::new(a, x) < Reference::new(b, y));
        prop_assert!(Reference::new(a, x).to_string() < Reference::new(b, y).to_string());
    }

    #[test]
    fn any_text_is_a_prefix_or_an_error(text: String) {
        if let Ok(prefix) = text.parse::<ReferencePrefix>() {
            prop_assert!((1..=REFERENCE_LEN).contains(&prefix.as_str().len()));
            prop_assert_eq!(prefix.as_str().parse::<ReferencePrefix>(), Ok(prefix));
        }
    }
}

#[test]
fn references_made_one_after_the_other_differ_before_their_end() {
    let mint = Mint::new(0, [7; 32]);
    let made: Vec<_> = (0..1000).map(|_| mint.next(1_772_452_800_000).to_string()).collect();
    let unlike = made.windows(2).filter(|two| two[0][..11] != two[1][..11]).count();
    assert!(unlike > 900, "only {unlike} pairs differ within eleven characters");
    let all: BTreeSet<_> = made.iter().collect();
    assert_eq!(all.len(), made.len(), "and all are different");
}

proptest! {
    #[test]
    fn no_reference_is_older_than_its_beginning_says(millis in 0u64..1 << 45, number: u32, length in 1usize..=13) {
        let name = Reference::new(millis, number);
        let prefix: ReferencePrefix = name.as_str()[..length].parse().unwrap();
        prop_assert!(prefix.earliest_millis() <= millis);
        if length >= 9 {
            prop_assert_eq!(prefix.earliest_millis(), millis);
        }
    }
}

#[test]
fn nonces_differ_and_the_secret_is_what_makes_them() {
    let (one, other) = (Mint::new(0, [7; 32]), Mint::new(0, [8; 32]));
    let nonces = [one.nonce(5), one.nonce(5), other.nonce(5), one.nonce(6)];
    for (at, nonce) in nonces.iter().enumerate() {
        assert!(nonce.len() == 32 && nonce.bytes().all(|b| b.is_ascii_hexdigit()), "{nonce}");
        assert!(!nonces[at + 1..].contains(nonce), "{nonces:?}");
    }
    assert_eq!(Mint::new(0, [7; 32]).nonce(5), nonces[0]);
    assert!(!format!("{one:?}").contains('7'));
}
