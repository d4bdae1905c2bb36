//! Lists of digests (`list-formats.md` §4.4).

use std::sync::Arc;

use sources::{Fault, Spec};
use suppression::{HashAlgorithm, HashedForm, Normalise, Salt};

use super::{error, read_with};
use crate::support::csv_spec;

fn hashed(algorithm: HashAlgorithm) -> Spec {
    let form = HashedForm { algorithm, normalise: Normalise::Lower, salt: Salt::default() };
    Spec { hashed: Some(Arc::new(form)), ..csv_spec() }
}

const BOB_MD5: &str = "4b9bb80620f03eb3719e0a061c14283d";

#[test]
fn md5_as_optizmo_and_unsubcentral_hand_it_out() {
    for (file, rows) in [("hashed/optizmo_md5.txt", 3), ("hashed/unsubcentral_md5.txt", 2)] {
        let read = read_with(file, &hashed(HashAlgorithm::Md5)).unwrap();
        assert_eq!(read.rows.len(), rows);
        assert_eq!(read.rows[0], format!("{BOB_MD5} opt-out - - -"));
        assert_eq!((read.report.bad, read.report.digests), (0, rows as u64));
    }
}

#[test]
fn sha512_as_phonexa_hands_it_out() {
    let read = read_with("hashed/phonexa_sha512.txt", &hashed(HashAlgorithm::Sha512)).unwrap();
    assert_eq!(read.rows.len(), 2);
    assert_eq!(read.rows[0].split(' ').next().unwrap().len(), 128);
}

#[test]
fn base64_in_a_column_with_a_date() {
    let read = read_with("hashed/sha256_base64.csv", &hashed(HashAlgorithm::Sha256)).unwrap();
    assert_eq!(read.rows.len(), 2);
    assert!(read.rows[0].ends_with(" opt-out - 2019-12-17T00:00:00Z -"), "{:?}", read.rows);
}

#[test]
fn mailtrain_keeps_sha512_in_base64_and_the_state_as_a_number() {
    let read = read_with("mailtrain/subscriptions.csv", &hashed(HashAlgorithm::Sha512)).unwrap();
    let kinds: Vec<_> = read.rows.iter().map(|row| row.split(' ').nth(1).unwrap()).collect();
    assert_eq!(kinds, ["opt-out", "undeliverable", "complaint"]);
    assert_eq!(read.report.unselected_because, [("is subscribed", 1)]);
}

#[test]
fn a_digest_of_another_length_is_a_bad_row_that_names_it() {
    let read = read_with("hashed/sha1.csv", &hashed(HashAlgorithm::Sha1)).unwrap();
    // An address among digests is an opt-out all the same.
    assert_eq!(read.rows.len(), 3);
    assert_eq!(read.rows[2], "ann@example.com opt-out - - -");
    let faults: Vec<_> = read.report.bad_rows.iter().map(|row| row.fault).collect();
    assert_eq!(faults, [Fault::OtherDigest(HashAlgorithm::Md5), Fault::NoDigest]);
    assert!(read.report.bad_rows[0].to_string().contains("looks like md5"));
}

#[test]
fn without_the_setting_the_error_says_which() {
    for (file, setting) in [
        ("hashed/optizmo_md5.txt", "hashed = \"md5\""),
        ("hashed/sha1.csv", "hashed = \"sha1\""),
        ("hashed/sha256_base64.csv", "hashed = \"sha256\""),
        ("hashed/phonexa_sha512.txt", "hashed = \"sha512\""),
        ("mailtrain/subscriptions.csv", "hashed = \"sha512\""),
    ] {
        let error = error(file);
        assert!(error.contains(setting), "{error}");
    }
}

#[test]
fn one_digest_among_addresses_is_a_bad_row() {
    let outcome = crate::support::csv(format!("a@example.com\n{BOB_MD5}\nb@example.com\n"));
    let [bad] = outcome.report.bad_rows.as_slice() else { panic!() };
    assert_eq!(bad.fault, Fault::Hashed(HashAlgorithm::Md5));
    assert!(bad.to_string().contains("hashed = \"md5\""), "{bad}");
}
