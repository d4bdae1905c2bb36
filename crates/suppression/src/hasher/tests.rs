use address::{Mailbox, PersonRules};

use super::*;

fn hasher() -> Hasher {
    let mut secret = [0; 32];
    for (number, byte) in (0..).zip(&mut secret) {
        *byte = number;
    }
    Hasher::new(KeyId(1), &secret)
}

fn keys(hasher: &Hasher, address: &str) -> AddressKeys {
    let mailbox = Mailbox::parse(address).unwrap();
    hasher.keys(&mailbox.canonical(&PersonRules::default()).unwrap())
}

/// Made by another program: Python's `hmac.new(bytes(range(32)), message, hashlib.sha256)`
/// with the messages `\x06personbob@example.com`, `\x05exactbob@example.com`, and 255, 45,
/// 300 times `n`, `x`.
#[test]
fn digests_are_hmac_sha_256_of_length_namespace_and_bytes() {
    let bob = keys(&hasher(), "bob@example.com");
    assert_eq!(
        bob.person.to_string(),
        "5673880ea349cc592e4a451e7664467e023653287780e9be6366539a944fc0fb"
    );
    assert_eq!(
        bob.exact.to_string(),
        "b27304ea828ab35bcbd29f669915894616acb72417c88c5476da290feccad335"
    );
    assert_eq!(
        hasher().digest(&"n".repeat(300), b"x").to_string(),
        "96cc2f5f3cf4e844b020a333106b8bec19300786fe9865e460bac981fbf145f1"
    );
}

#[test]
fn a_tag_changes_the_exact_key_and_not_the_person_key() {
    let plain = keys(&hasher(), "bob@example.com");
    let tagged = keys(&hasher(), "Bob+shop@EXAMPLE.com");
    assert_eq!(plain.person, tagged.person);
    assert_ne!(plain.exact, tagged.exact);
    assert_ne!(plain.exact, plain.person, "the two roles have namespaces of their own");
}

#[test]
fn namespace_and_bytes_do_not_run_into_each_other() {
    let hasher = hasher();
    let digests = [
        hasher.digest("ab", b"c"),
        hasher.digest("a", b"bc"),
        hasher.digest("", b"abc"),
        hasher.digest("abc", b""),
        hasher.digest(&"n".repeat(254), b"n"),
        hasher.digest(&"n".repeat(255), b""),
    ];
    for (number, digest) in digests.iter().enumerate() {
        assert!(!digests[..number].contains(digest), "{number}");
    }
}

#[test]
fn another_secret_gives_other_digests() {
    let other = Hasher::new(KeyId(1), &[7; 32]);
    assert_ne!(keys(&hasher(), "bob@example.com"), keys(&other, "bob@example.com"));
}

#[test]
fn a_digest_is_read_as_it_is_shown() {
    let digest = hasher().digest("a", b"b");
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_eq!(digest.to_string().to_uppercase().parse(), Ok(digest));
    for bad in ["", "00", &"0".repeat(63), &"0".repeat(65), &"0".repeat(66), &"g".repeat(64)] {
        assert_eq!(bad.parse::<Digest>(), Err(SuppressionError::BadDigest), "{bad}");
    }
}

#[test]
fn the_index_key_is_the_first_half() {
    let mut bytes = [0; 32];
    bytes[0] = 0x80;
    bytes[15] = 1;
    bytes[16] = 0xff;
    assert_eq!(IndexKey::from(&Digest(bytes)), IndexKey(1 << 127 | 1));
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", Hasher::new(KeyId(3), &[7; 32])), "Hasher { id: KeyId(3), .. }");
}
