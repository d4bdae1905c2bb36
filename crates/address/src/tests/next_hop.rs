//! A next hop that reads addresses as carelessly as any known one, set against ours: what
//! it makes of the path we send on must be the mailbox that we looked up.
//!
//! It does what Postfix (`resolve.c`, `rewrite.c`), Sendmail and Exchange do by
//! default or by setting: drop comments, quotes, white space and dots at the ends,
//! strip routes, and follow `%`, `!` and the last at sign but one.

use proptest::prelude::*;

use crate::{ForwardPath, Mailbox, PersonRules};

/// The mailbox that a careless program delivers to, or nothing.
fn careless_reading(path: &str) -> Option<(String, String)> {
    let mut text = path.trim().trim_matches(['<', '>']).to_owned();
    while let (Some(open), Some(close)) = (text.find('('), text.find(')')) {
        if close < open {
            break;
        }
        text.replace_range(open..=close, "");
    }
    text.retain(|c| !matches!(c, '"' | '\\'));
    if let Some(rest) = text.strip_prefix('@') {
        text = rest.split_once(':')?.1.to_owned();
    }
    loop {
        text = text.trim_matches(['.', ' ', '@', '\t']).to_owned();
        let (local, domain) = text.rsplit_once('@')?;
        if local.contains('@') {
            text = local.to_owned();
        } else if let Some((user, host)) = local.rsplit_once('%') {
            text = format!("{user}@{host}");
        } else if let Some((host, user)) = local.split_once('!') {
            text = format!("{user}@{host}");
        } else {
            let words: Vec<_> = local.split_whitespace().collect();
            let domain = domain.trim_matches('.').to_lowercase();
            return Some((words.join(" ").replace(" .", ".").replace(". ", "."), domain));
        }
    }
}

#[test]
fn the_careless_reader_does_follow_the_known_tricks() {
    let victim = Some(("victim".to_owned(), "optout.example".to_owned()));
    for path in [
        "<victim@optout.example.>",
        "<\"victim\"@optout.example>",
        "<victim(x)@optout.example>",
        "<victim%optout.example@relay.example>",
        "<optout.example!victim@relay.example>",
        "<\"victim@optout.example\"@relay.example>",
        "<@relay.example:victim@optout.example>",
        "<victim@optout.example@>",
    ] {
        assert_eq!(careless_reading(path), victim, "{path}");
    }
}

/// A path that is mostly letters, with a trick or two, quoted or not.
fn path() -> impl Strategy<Value = String> {
    let tricks =
        "[.@%! \"\\\\:,;?=+()<>]|\\.\\.|@a\\.example|%a\\.example|a\\.example!|\\(x\\)|=\\?";
    let piece = prop_oneof![6 => "[abAB]{1,3}", 2 => "[. ]", 1 => tricks];
    let local = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    (local, any::<bool>(), "(@|@|@|@@|%|)[ab]\\.example\\.?").prop_map(|(local, quoted, domain)| {
        if quoted { format!("<\"{local}\"{domain}>") } else { format!("<{local}{domain}>") }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn it_delivers_where_we_looked(path in path()) {
        let rules = PersonRules::none();
        if let Ok(ForwardPath::Mailbox(mailbox)) = ForwardPath::parse(&path) {
            let looked_up = mailbox.canonical(&rules).unwrap();
            let (local, domain) = careless_reading(&format!("<{mailbox}>")).unwrap();
            let delivered = Mailbox::parse(&format!("\"{local}\"@{domain}")).unwrap();
            let delivered = delivered.canonical(&rules).unwrap();
            prop_assert_eq!(delivered.person(), looked_up.person());
        }
    }
}
