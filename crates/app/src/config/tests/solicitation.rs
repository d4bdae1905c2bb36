//! The classes of solicitation of a listener.

use super::*;

fn of(line: &str) -> Option<String> {
    let text = format!("{SMARTHOST}[[listener]]\naddress = \"127.0.0.1:2525\"\n{line}");
    let loaded = loaded(&text);
    assert!(loaded.report.is_clean(), "{}", loaded.report.render(false));
    let settings = loaded.settings.unwrap();
    settings.listeners[0].no_soliciting.as_ref().map(|classes| classes.as_str().to_owned())
}

#[test]
fn the_extension_is_off_without_the_key_and_has_no_class_by_default() {
    assert_eq!(of(""), None);
    assert_eq!(of("no_soliciting = []\n").as_deref(), Some(""));
    let two = of("no_soliciting = [\"net.example:ADV\", \"org.example:ADV:ADLT\"]\n");
    assert_eq!(two.as_deref(), Some("net.example:ADV,org.example:ADV:ADLT"));
}

/// Standards A-T8.
#[test]
fn what_is_no_class_and_what_does_not_fit_are_errors() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:2525\"\n";
    for wrong in ["1x:y", "a:b,c:d", "a b", ""] {
        let text = format!("{listener}no_soliciting = [\"{wrong}\"]\n");
        one_fault(&text, (3, 18), &format!("\"{wrong}\""), "no class of solicitation", "a colon");
    }
    let classes = |count| {
        let all: Vec<_> =
            (0..count).map(|n| format!("\"example.a{n:02}:{}\"", "x".repeat(48))).collect();
        format!("{listener}no_soliciting = [{}]\n", all.join(", "))
    };
    assert_eq!(faults(&classes(8)), []);
    let found = faults(&classes(10));
    assert!(found[0].message.contains("more than 492 octets"), "{found:#?}");
}

#[test]
fn a_list_that_is_asked_live_has_no_classes() {
    let source = |keys: &str| {
        format!(
            "[[source]]\nname = \"crm\"\nsqlite = \"crm.db\"\nquery = \"select 1 from o where e = :address\"\nmode = \"live\"\n{keys}"
        )
    };
    let text = source("scope = \"net.example:ADV\"\n");
    let found = faults(&text);
    assert!(found.iter().any(|one| one.message.contains("asked live")), "{found:#?}");
}

#[test]
fn a_scope_that_is_a_class_is_told_where_nothing_else_speaks_of_classes() {
    let source = "[[source]]\nname = \"crm\"\ncsv = \"crm.csv\"\nscope = \"brand:news\"\n";
    let is_it = |one: &FaultLine| one.message.contains("only mail that says SOLICIT=brand:news");
    let found = faults(source);
    let found = found.iter().find(|one| is_it(one)).unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(found.severity, Severity::Warning);
    let listener = "[[listener]]\naddress = \"127.0.0.1:2525\"\nno_soliciting = []\n";
    for meant in [format!("{listener}{source}"), source.replace("brand:", "brand ")] {
        assert!(!faults(&meant).iter().any(is_it), "{meant}");
    }
}

#[test]
fn a_long_value_is_not_repeated_whole() {
    let long = "x y".repeat(200);
    let gate = "[[gate]]\nname = \"g\"\ncheck = \"required\"\nfields = [\"Date\"]\n";
    for text in [
        format!("[[listener]]\nno_soliciting = [\"{long}\"]\n"),
        format!("[[listener]]\nno_soliciting = \"{long}\"\n"),
        format!("{gate}text = \"{long}\"\n"),
        format!("{gate}domains = [\"{long}\"]\n"),
        format!("[[dkim]]\ndomain = \"{long}\"\n"),
        format!("[[dkim]]\nfields = [\"{long}\"]\n"),
        format!("[[stream]]\nname = \"s\"\nheader = {{ \"{long}\" = [\"x\"] }}\n"),
    ] {
        let found = faults(&text);
        let cut = |one: &FaultLine| {
            let mut all = one.help.iter().chain([&one.message]);
            all.any(|words| words.contains("x yx y") && words.contains("...") && words.len() < 200)
        };
        assert!(found.iter().any(cut), "{text}: {found:#?}");
        assert!(found.iter().all(|one| !one.message.contains(&long)), "{found:#?}");
    }
}
