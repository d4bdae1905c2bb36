//! Lists whose first row is no header.

use std::sync::Arc;

use sources::Spec;
use suppression::{HashAlgorithm, HashedForm, Normalise, Salt};

use crate::support::{csv_error, csv_spec, read_as};

/// Its first digest was lost, and shown as the name of the column.
#[test]
fn digests_in_base64_without_a_header_are_all_read() {
    let digests = ["S5uAYg8D6zcZ4KBhwUKDPQ==", "tFmWxQTFY4eY62tRHm9Jrw=="];
    let text = digests.join("\n");
    let form = HashedForm {
        algorithm: HashAlgorithm::Md5,
        normalise: Normalise::Lower,
        salt: Salt::default(),
    };
    let read = read_as(text.as_bytes(), &Spec { hashed: Some(Arc::new(form)), ..csv_spec() });
    let read = read.unwrap();
    assert_eq!((read.rows.len(), read.report.bad), (2, 0));
    let error = csv_error(&text);
    assert!(error.contains("hashed = \"md5\""), "{error}");
    for text in [read.describe, error] {
        assert!(digests.iter().all(|digest| !text.contains(digest)), "{text}");
    }
}

#[test]
fn names_that_may_be_of_a_person_are_masked() {
    let error = csv_error("example.com,spam\nexample.net,spam\n");
    assert!(!error.contains("example.com"), "{error}");
}
