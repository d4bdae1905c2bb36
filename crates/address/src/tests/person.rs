//! Which addresses are one person, and how the rules are put together.

use super::canonical;
use crate::{Mailbox, PersonRules, RuleError};

fn person(rules: &PersonRules, text: &str) -> String {
    Mailbox::parse(text).unwrap().canonical(rules).unwrap().person().to_owned()
}

#[test]
fn the_exact_key_keeps_what_the_person_key_drops() {
    let table = [
        ("Bob@Example.com", "bob@example.com", "bob@example.com"),
        ("Bob+Shop@Example.com", "bob+shop@example.com", "bob@example.com"),
        ("B.ob+x@GoogleMail.com", "b.ob+x@googlemail.com", "bob@gmail.com"),
        ("B.ob@example.com", "b.ob@example.com", "b.ob@example.com"),
        ("ﬁne@example.com", "fine@example.com", "fine@example.com"),
        ("ｂob@example.com", "ｂob@example.com", "bob@example.com"),
        ("x²@example.com", "x²@example.com", "x2@example.com"),
        ("Straße@example.com", "strasse@example.com", "strasse@example.com"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
    ];
    for (text, exact, person) in table {
        let key = canonical(text);
        assert_eq!((key.exact(), key.person()), (exact, person), "{text}");
        assert_eq!(key.domain(), exact.split_once('@').unwrap().1);
    }
}

#[test]
fn a_tag_is_cut_off_only_if_something_is_left() {
    let rules = PersonRules::default();
    let table = [
        ("+tag@x.example", "+tag@x.example"),
        ("++tag@x.example", "++tag@x.example"),
        ("+@x.example", "+@x.example"),
        ("+a+b@x.example", "+a@x.example"),
        ("a+b+c@x.example", "a@x.example"),
        ("a-b@x.example", "a-b@x.example"),
        ("\"a.+b\"@x.example", "a@x.example"),
        ("\".+x\"@x.example", "+x@x.example"),
        // A program that drops quotes and spaces would deliver it to `a+b`.
        ("\"a +b\"@x.example", "a@x.example"),
        ("+.+x@x.example", "+@x.example"),
    ];
    for (text, expected) in table {
        assert_eq!(person(&rules, text), expected);
    }
}

#[test]
fn dots_that_only_quotes_allow_do_not_make_another_person() {
    let rules = PersonRules::none();
    for text in ["\"a..b\"@x.example", "\".a.b\"@x.example", "\"a...b..\"@x.example"] {
        assert_eq!(person(&rules, text), "a.b@x.example");
        assert_ne!(
            Mailbox::parse(text).unwrap().canonical(&rules).unwrap().exact(),
            "a.b@x.example"
        );
    }
}

#[test]
fn without_rules_everybody_is_a_person_of_their_own() {
    let rules = PersonRules::none();
    assert_eq!(person(&rules, "A.b+c@GoogleMail.com"), "a.b+c@googlemail.com");
    assert_eq!(person(&rules, "x@me.com"), "x@me.com");
}

#[test]
fn rules_are_added_in_any_form_of_a_domain() {
    let mut rules = PersonRules::none();
    rules.add_domain_alias("Twin.Example.", "Bücher.example").unwrap();
    rules.add_dotless_domain("TWIN.example").unwrap();
    rules.add_tag_mark_in("twin.example", '-').unwrap();
    rules.add_tag_mark('=').unwrap();
    assert_eq!(person(&rules, "a.b-c@twin.example"), "ab@xn--bcher-kva.example");
    assert_eq!(person(&rules, "a.b=c@BÜCHER.example"), "ab@xn--bcher-kva.example");
    assert_eq!(person(&rules, "a.b-c@else.example"), "a.b-c@else.example");
    assert_eq!(person(&rules, "a.b=c@else.example"), "a.b@else.example");
}

#[test]
fn aliases_of_aliases_lead_to_one_principal_in_whatever_order_they_are_given() {
    let pairs =
        [("a.example", "b.example"), ("b.example", "c.example"), ("c.example", "d.example")];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut rules = PersonRules::none();
        rules.add_dotless_domain("b.example").unwrap();
        rules.add_tag_mark_in("a.example", '-').unwrap();
        for at in order {
            rules.add_domain_alias(pairs[at].0, pairs[at].1).unwrap();
        }
        for domain in ["a.example", "b.example", "c.example", "d.example"] {
            let text = format!("x.y-z@{domain}");
            assert_eq!(person(&rules, &text), "xy@d.example", "{order:?} {domain}");
        }
        assert_eq!(rules.add_domain_alias("d.example", "a.example"), Err(RuleError::Circle));
    }
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let mut rules = PersonRules::default();
    for mark in ['a', 'Z', '0', '.', '@', '%', '!', '"', '\\', ' ', '(', ',', ':', '\0', 'é', '＋']
    {
        assert_eq!(rules.add_tag_mark(mark), Err(RuleError::TagMark), "{mark:?}");
        assert_eq!(rules.add_tag_mark_in("x.example", mark), Err(RuleError::TagMark), "{mark:?}");
    }
    for mark in
        ['#', '$', '&', '\'', '*', '+', '-', '/', '=', '?', '^', '_', '`', '{', '|', '}', '~']
    {
        assert_eq!(rules.add_tag_mark(mark), Ok(()), "{mark:?}");
    }
    assert!(matches!(rules.add_dotless_domain("x..example"), Err(RuleError::Domain(_))));
    assert!(matches!(rules.add_domain_alias("", "x.example"), Err(RuleError::Domain(_))));
    assert_eq!(
        rules.add_dotless_domain("x..example").unwrap_err().to_string(),
        "not the name of a domain: a domain with an empty label"
    );
    assert_eq!(rules.add_dotless_domain("[192.0.2.1]"), Err(RuleError::Literal));
    assert_eq!(rules.add_domain_alias("X.example.", "x.EXAMPLE"), Err(RuleError::Circle));
}

#[test]
fn equal_rules_have_one_line_and_other_rules_another() {
    let mut one = PersonRules::default();
    one.add_tag_mark('-').unwrap();
    one.add_tag_mark_in("x.example", '=').unwrap();
    one.add_dotless_domain("y.example").unwrap();
    let mut other = PersonRules::default();
    other.add_dotless_domain("Y.example").unwrap();
    other.add_tag_mark_in("X.example", '=').unwrap();
    assert_ne!(one.to_string(), other.to_string());
    other.add_tag_mark('-').unwrap();
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one, other);
    // The line is stored: it may not change by itself.
    assert_eq!(PersonRules::none().to_string(), "tags= tags-in= dotless= aliases=");
    let mut rules = PersonRules::none();
    rules.add_tag_mark('+').unwrap();
    rules.add_tag_mark_in("x.example", '-').unwrap();
    rules.add_dotless_domain("x.example").unwrap();
    rules.add_domain_alias("z.example", "x.example").unwrap();
    assert_eq!(
        rules.to_string(),
        "tags=+ tags-in=x.example:- dotless=x.example aliases=z.example:x.example"
    );
}

#[test]
fn what_has_more_than_one_reading_has_no_key() {
    for text in ["u%d@x.example", "d!u@x.example", "\"u@d\"@x.example", "u@[192.0.2.1]", "u@10.1"] {
        let mailbox = Mailbox::parse(text).unwrap();
        assert!(mailbox.canonical(&PersonRules::default()).is_err(), "{text}");
    }
}
