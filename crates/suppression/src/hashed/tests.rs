//! Vectors, computed with Python's `hashlib`, and what holds for every form.

use address::{Mailbox, PersonRules};
use proptest::prelude::*;

use super::*;

fn form(algorithm: HashAlgorithm, normalise: Normalise) -> HashedForm {
    HashedForm { algorithm, normalise, salt: Salt::default() }
}

fn canonical(text: &str) -> Canonical {
    Mailbox::parse(text).unwrap().canonical(&PersonRules::default()).unwrap()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether somebody who is written to as `written` is found on a list with this digest.
fn finds(form: &HashedForm, written: &str, digest: &str) -> bool {
    let digests = form.digests(written, &canonical(written));
    assert!(digests.iter().all(|digest| digest.len() == form.algorithm.length()));
    digests.iter().any(|found| hex(found) == digest)
}

#[test]
fn a_list_of_md5_of_lower_case_addresses() {
    // OPTIZMO and UnsubCentral: md5("pat@example.com"), the tag and the case forgotten.
    let list = form(HashAlgorithm::Md5, Normalise::Lower);
    let pat = "3ddcaf169f35457c40bc5960e69c4601";
    for written in ["pat@example.com", "Pat@Example.COM", "pat+shop@example.com", "PAT@example.com"]
    {
        assert!(finds(&list, written, pat), "{written}");
    }
    assert!(!finds(&list, "pat@example.net", pat));
    assert!(!finds(&list, "pa.t@example.com", pat));
    // A list names the person, and mail goes to the person with a tag or with dots.
    let bob = "0ca52abaa9fce14c44a351fccd1b9fc5";
    assert!(finds(&list, "B.O.B+x@gmail.com", bob));
    assert!(finds(&list, "bob@googlemail.com", bob));
    // It names the address with its tag, and mail goes to just that.
    assert!(finds(&list, "bob+x@gmail.com", "935f268de99ae0d810de4bd22c6d5e52"));
    // With its dots, without its tag.
    assert!(finds(&list, "B.ob+x@gmail.com", "6fbe8b7597589531929a8983785d2dd6"));
}

#[test]
fn a_list_of_base64_of_sha512_with_the_domain_in_lower_case() {
    // Mailtrain: base64(sha512(local@lower(domain))).
    let list = form(HashAlgorithm::Sha512, Normalise::LowerDomain);
    let pat = "c12b6ce15beb44b80e01a658b45982f8905c57d19a31b706162f0bc509c66308c0cd49d46df4cf9c79b82d3ddecb5a015ddfe1b5ac6b55b146c8b2426e6a5670";
    assert!(finds(&list, "Pat@EXAMPLE.com", pat));
    assert!(finds(&list, "Pat+x@EXAMPLE.com", pat));
    // Somebody else, as the list has it: the local part counts as it is written.
    assert!(!finds(&list, "pat@example.com", pat));
}

#[test]
fn a_list_of_addresses_as_they_were_written() {
    // iPost: md5 of the address, whose case counts.
    let list = form(HashAlgorithm::Md5, Normalise::AsIs);
    let pat = "4cf01f048e5ed7d205d04c50b593925f";
    assert!(finds(&list, "Pat@Example.com", pat));
    assert!(!finds(&list, "pat@example.com", pat));
    // In lower case it is found however it is written.
    assert!(finds(&list, "Pat@Example.com", "3ddcaf169f35457c40bc5960e69c4601"));
}

#[test]
fn salt_stands_before_or_behind() {
    let salted = |before: &str, behind: &str| HashedForm {
        salt: Salt { before: before.to_owned(), behind: behind.to_owned() },
        ..form(HashAlgorithm::Sha256, Normalise::Lower)
    };
    assert!(finds(
        &salted("pepper", ""),
        "Pat@example.com",
        "4a47ab6fc4526521b9c95657bd2b6f16cd8d4786eb62d31ae9cf8cf73334a02d"
    ));
    assert!(finds(
        &salted("", "pepper"),
        "Pat@example.com",
        "370e1e9a226ce1646e13d40afea6bedc70d032573835af806ee8e2ea48305d0c"
    ));
    assert!(!finds(
        &salted("", ""),
        "Pat@example.com",
        "370e1e9a226ce1646e13d40afea6bedc70d032573835af806ee8e2ea48305d0c"
    ));
}

#[test]
fn whole_domains_stand_on_it_with_and_without_an_at_sign() {
    let list = form(HashAlgorithm::Sha1, Normalise::Lower);
    for digest in
        ["0caaf24ab1a0c33440c06afe99df986365b0781f", "4d41800f99266b580deee554fa2cc467dfa83909"]
    {
        assert!(finds(&list, "Anybody@Example.com", digest));
        assert!(!finds(&list, "anybody@mail.example.com", digest));
        let of_person = list.digests_of_person("a@example.com", &canonical("a@example.com"));
        assert!(!of_person.iter().any(|found| hex(found) == digest));
        let of_domain = list.digests_of_domain(&canonical("a@example.com"));
        assert!(of_domain.iter().any(|found| hex(found) == digest));
    }
}

#[test]
fn domains_in_either_script() {
    let list = form(HashAlgorithm::Md5, Normalise::Lower);
    for digest in ["4248ccca6de54b3c32aea44038fbac5a", "80bf2330be4f3d5e95dc6cd72b08c392"] {
        assert!(finds(&list, "a@BÜCHER.example", digest));
        assert!(finds(&list, "a@xn--bcher-kva.example", digest));
    }
}

#[test]
fn the_algorithms_have_the_lengths_of_their_digests() {
    for algorithm in HashAlgorithm::ALL {
        let digest = form(algorithm, Normalise::Lower).digest("pat@example.com");
        assert_eq!(digest.len(), algorithm.length());
    }
}

#[test]
fn no_form_is_read_from_what_it_is_not_written_as() {
    for text in [
        "",
        "md5",
        "md5 ",
        "md5 lower ",
        "md5  lower",
        "MD5 lower",
        "md4 lower",
        "md5 upper",
        "md5 lower before=",
        "md5 lower before=1",
        "md5 lower before=4A",
        "md5 lower before=ff",
        "md5 lower behind=61 before=61",
        "md5 lower before=61 before=61",
        "md5 lower salt=61",
    ] {
        assert_eq!(text.parse::<HashedForm>(), Err(SuppressionError::BadHashedForm), "{text}");
    }
}

#[test]
fn nobody_reads_the_salt_in_a_message() {
    let salt = Salt { before: "pepper".to_owned(), behind: String::new() };
    let form = HashedForm { salt, ..form(HashAlgorithm::Md5, Normalise::Lower) };
    assert_eq!(form.in_words(), "MD5 of the address in lower case, salted");
    assert!(!format!("{form:?}").contains("pepper"));
}

fn any_form() -> impl Strategy<Value = HashedForm> {
    let algorithm = prop::sample::select(HashAlgorithm::ALL.to_vec());
    let normalise = prop::sample::select(Normalise::ALL.to_vec());
    (algorithm, normalise, "\\PC{0,6}", "\\PC{0,6}").prop_map(
        |(algorithm, normalise, before, behind)| HashedForm {
            algorithm,
            normalise,
            salt: Salt { before, behind },
        },
    )
}

proptest! {
    #[test]
    fn a_form_is_read_as_it_was_written(form in any_form()) {
        prop_assert_eq!(form.to_string().parse::<HashedForm>().unwrap(), form);
    }

    #[test]
    fn forms_of_the_same_text_are_the_same(one in any_form(), other in any_form()) {
        prop_assert_eq!(one.to_string() == other.to_string(), one == other);
    }

    /// However the list spells somebody whom the sender spells in any other way, as long as both
    /// stand for the same address, or for the person behind it.
    #[test]
    fn who_is_on_the_list_in_any_spelling_is_found(
        form in any_form(),
        local in "[a-z]{1,6}(\\.[a-z]{1,3})?",
        tag in prop::option::of("[a-z]{1,4}"),
        domain in "(example|gmail|bücher)\\.(com|example)",
        which in 0..5_usize,
    ) {
        let tagged = match &tag {
            Some(tag) => format!("{local}+{tag}@{domain}"),
            None => format!("{local}@{domain}"),
        };
        let address = canonical(&tagged);
        let listed = match which {
            0 => tagged.clone(),
            1 => address.exact().to_owned(),
            2 => address.person().to_owned(),
            3 => format!("{local}@{domain}"),
            _ => format!("@{}", address.domain()),
        };
        let digest = form.digest(&listed);
        prop_assert!(form.digests(&tagged, &address).contains(&digest), "{listed}");
        let elsewhere = format!("{local}@other.example");
        let digests = form.digests(&elsewhere, &canonical(&elsewhere));
        prop_assert!(!digests.contains(&digest), "{elsewhere}");
    }

    #[test]
    fn each_digest_is_made_once(form in any_form(), written in "[a-zA-Z]{1,5}(\\+[a-z])?@[a-zA-Z]{1,4}\\.com") {
        let digests = form.digests(&written, &canonical(&written));
        let mut once = digests.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), digests.len());
        prop_assert!(digests.contains(&form.digest(&form.normalise.apply(written))));
    }
}
