//! Each rule on a small made-up tree, good once and broken once.

use super::*;

fn crate_of(files: &[(&str, &str)]) -> Vec<Source> {
    let mut sources = Vec::new();
    for (name, body) in files {
        sources
            .push(Source::new(format!("crates/x/src/{name}"), format!("//! What it is.\n{body}")));
    }
    sources
}

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    check(&crate_of(files))
}

#[test]
fn a_good_crate_has_no_fault() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\npub use a::A;\n"),
        ("a.rs", "use crate::b::{B, C as D};\npub struct A(B, D);\n#[cfg(test)]\nmod tests;\n"),
        ("b.rs", "pub struct B; // todo! is only a word here\nconst S: &str = \"#[allow(x)]\";\n"),
        ("a/tests.rs", "use super::*;\n"),
    ];
    assert_eq!(faults(&files), Vec::<String>::new());
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let long = "fn f() {}\n".repeat(500);
    assert!(faults(&[("a.rs", &long)])[0].contains("501 lines"));
    let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(faults(&[("a.rs", &tests)]), Vec::<String>::new());
}

#[test]
fn a_name_that_names_nothing_is_found_as_file_folder_and_part() {
    for name in ["util.rs", "common/x.rs", "string_utils.rs", "x/helper.rs", "core.rs"] {
        assert_eq!(faults(&[(name, "")]).len(), 1, "{name}");
    }
    assert_eq!(faults(&[("commonwealth.rs", "")]), Vec::<String>::new());
}

#[test]
fn a_module_without_an_opening_comment_is_found() {
    let source = Source::new("crates/x/src/a.rs", "\nfn f() {}\n");
    assert!(check(&[source])[0].contains("//! comment"));
    let source = Source::new("crates/x/src/a.rs", "/// Of the function.\nfn f() {}\n");
    assert_eq!(check(&[source]).len(), 1);
}

#[test]
fn banned_words_are_found_in_code_with_their_line() {
    for word in [
        "#[allow(dead_code)]",
        "#![allow(dead_code)]",
        "#[cfg_attr(test, allow(x))]",
        "fn f() { todo!() }",
        "#[ignore = \"slow\"]",
    ] {
        let found = faults(&[("a.rs", &format!("fn g() {{}}\n{word}\n"))]);
        assert!(found[0].starts_with("crates/x/src/a.rs:3: "), "{word}: {found:?}");
    }
}

#[test]
fn banned_words_are_found_in_tests_too() {
    let text = "#[cfg(test)]\nmod tests {\n#[ignore]\nfn t() {}\n}\n";
    assert_eq!(faults(&[("a.rs", text)]).len(), 1);
}

#[test]
fn banned_words_in_literals_and_comments_are_not_code() {
    let text = "/* a /* todo!() */ b */ const A: &str = r#\"todo!(\"#; const B: char = '\"'; \
                fn f<'a>(x: &'a str) -> &'a str { x } // #[ignore]\nconst C: &[u8] = b\"\\\"todo!\";\n";
    assert_eq!(faults(&[("a.rs", text)]), Vec::<String>::new());
}

#[test]
fn a_circle_of_two_and_of_three_files_is_found() {
    let two = [("a.rs", "use crate::b::B;\n"), ("b.rs", "fn f() { crate::a::g(); }\n")];
    assert_eq!(
        faults(&two),
        ["a circle of files: crates/x/src/a.rs -> crates/x/src/b.rs -> crates/x/src/a.rs"]
    );
    let three = [
        ("a.rs", "use crate::{b::B};\n"),
        ("b.rs", "use super::c::{self, C};\n"),
        ("c.rs", "use crate::a;\n"),
    ];
    assert_eq!(faults(&three).len(), 1);
}

#[test]
fn a_circle_of_a_parent_and_its_child_is_found_and_a_doorway_is_none() {
    let circle = [("a.rs", "mod b;\nuse b::B;\n"), ("a/b.rs", "use super::A;\n")];
    assert_eq!(faults(&circle).len(), 1);
    let doorway = [
        ("a/mod.rs", "mod b;\nmod c;\npub use b::B;\n"),
        ("a/b.rs", "use super::c::C;\n"),
        ("a/c.rs", "pub struct C;\n"),
    ];
    assert_eq!(faults(&doorway), Vec::<String>::new());
}

#[test]
fn tests_may_look_back() {
    let files = [
        ("a.rs", "use crate::b::B;\n"),
        ("b.rs", "#[cfg(test)]\nmod tests { use crate::a::A; }\n"),
        ("b/tests.rs", "use crate::a::A;\n"),
    ];
    assert_eq!(faults(&files), Vec::<String>::new());
}

#[test]
fn taking_something_from_the_root_is_found() {
    let files = [("lib.rs", "mod a;\npub use b::B;\n"), ("a.rs", "use crate::B;\n"), ("b.rs", "")];
    assert!(faults(&files)[0].contains("takes B from the root"));
}

#[test]
fn only_upstream_may_name_the_client_role() {
    let door = Source::new("crates/smtp-session/src/lib.rs", "pub use client::{Client, Sent};\n");
    let relay = |file: &str, text: &str| [Source::new(format!("crates/relay/src/{file}"), text)];
    let bad = "use smtp_session::{Client, Server};\n";
    assert_eq!(rules::only_upstream_names(&relay("data.rs", bad), &door).len(), 1);
    assert_eq!(
        rules::only_upstream_names(&relay("data.rs", "use smtp_session::*;\n"), &door).len(),
        1
    );
    let inline = "fn f(c: &smtp_session::Client) {}\n";
    assert_eq!(rules::only_upstream_names(&relay("data.rs", inline), &door).len(), 1);
    assert!(rules::only_upstream_names(&relay("upstream.rs", bad), &door).is_empty());
    let good = "use smtp_session::{ClientEvent, Server};\nfn f() { Side::Client; }\n";
    assert!(rules::only_upstream_names(&relay("data.rs", good), &door).is_empty());
}

#[test]
fn a_renamed_client_role_does_not_go_unnoticed() {
    let door = Source::new("crates/smtp-session/src/lib.rs", "pub use client::Upstream;\n");
    assert!(rules::only_upstream_names(&[], &door)[0].contains("exports no Client"));
}

#[test]
fn a_dependency_that_nobody_names_is_found() {
    let sources = crate_of(&[("lib.rs", "use smtp_wire::Reply; // serde\nfn my_clap() {}\n")]);
    let other = crate_of(&[("lib.rs", "use md5::Md5;\n")]);
    assert!(rules::unused("x", ["md-5"].into_iter(), &other).is_empty());
    let found = rules::unused("x", ["smtp-wire", "serde", "clap"].into_iter(), &sources);
    assert_eq!(
        found,
        ["x: depends on serde and never names it", "x: depends on clap and never names it",]
    );
}
