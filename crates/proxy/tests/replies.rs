//! `docs/replies.md` is made from the code, so that it cannot lie.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use smtp_wire::Reply;

/// With `OPTGATE_WRITE_DOCS` set, writes the page; otherwise compares it.
#[test]
fn the_page_of_replies_is_what_the_code_says() {
    let page = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/replies.md");
    if std::env::var_os("OPTGATE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/replies.md is out of date: OPTGATE_WRITE_DOCS=1 cargo test -p proxy --test replies"
    );
}

fn page() -> String {
    let mut page = String::from(
        "# Replies\n\n\
         Every reply optgate gives by itself, and when. Everything else a client hears is the\n\
         smarthost's own word: same code and text, a missing enhanced code supplied as X.0.0,\n\
         control characters and over-long lines cut, and its 421 turned into 451 4.4.2.\n\n\
         A reference (`ref ...`) names one decision: `optgate why REF` tells all about it.\n\n\
         This page is made by a test from the code.\n",
    );
    let chapters: [(&str, Vec<(&str, Reply)>); 4] = [
        ("Before a session", proxy::proxy_replies()),
        ("Commands", smtp_session::server_replies()),
        ("Messages", relay::relay_replies()),
        ("A smarthost that is lost", smtp_session::client_replies()),
    ];
    for (title, replies) in chapters {
        page.push_str(&format!("\n## {title}\n\n| when | reply |\n| --- | --- |\n"));
        for (when, reply) in replies {
            let mut bytes = Vec::new();
            reply.encode(&mut bytes);
            let text = String::from_utf8(bytes).unwrap();
            let lines: Vec<String> = text.lines().map(|line| format!("`{line}`")).collect();
            page.push_str(&format!("| {when} | {} |\n", lines.join("<br>")));
        }
    }
    page
}

#[test]
fn enhanced_codes_fit_their_class_and_no_refusal_of_an_opt_out_says_unknown_user() {
    let all = [
        proxy::proxy_replies(),
        smtp_session::server_replies(),
        relay::relay_replies(),
        smtp_session::client_replies(),
    ];
    for (when, reply) in all.into_iter().flatten() {
        if let Some(enhanced) = reply.enhanced {
            assert_eq!(u16::from(enhanced.class), reply.code / 100, "{when}");
            assert_ne!((enhanced.class, enhanced.subject, enhanced.detail), (5, 1, 1), "{when}");
        } else {
            assert!(matches!(reply.code, 220 | 250 | 354 | 421 | 554), "{when}");
        }
    }
}
