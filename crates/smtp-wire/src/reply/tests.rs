use super::{Enhanced, REPLY_LINE_MAX, Reply};

fn encoded(reply: &Reply) -> String {
    let mut out = Vec::new();
    reply.encode(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_enhanced_code_stands_on_every_line() {
    let reply = Reply::new(550, Enhanced::new(5, 7, 1), "opted out\nask us\n");
    assert_eq!(encoded(&reply), "550-5.7.1 opted out\r\n550-5.7.1 ask us\r\n550 5.7.1\r\n");
}

#[test]
fn a_3yz_reply_and_a_wrong_class_carry_none() {
    let go_on = Reply { code: 354, enhanced: Some(Enhanced::new(2, 0, 0)), text: "go on".into() };
    assert_eq!(encoded(&go_on), "354 go on\r\n");
    let mixed = Reply::new(451, Enhanced::new(5, 7, 1), "later");
    assert_eq!(encoded(&mixed), "451 later\r\n");
}

#[test]
fn an_empty_text_is_a_code_alone_except_in_a_challenge() {
    assert_eq!(encoded(&Reply::plain(250, "")), "250\r\n");
    assert_eq!(encoded(&Reply::plain(334, "")), "334 \r\n");
    assert_eq!(encoded(&Reply::plain(220, "a\n\nb")), "220-a\r\n220-\r\n220 b\r\n");
}

#[test]
fn nothing_but_printable_ascii_is_written() {
    let reply = Reply::plain(550, "a\rb\0c\u{1b}[1m\u{fc}\u{2028}\td\u{7f}");
    assert_eq!(encoded(&reply), "550 a?b?c?[1m??\td?\r\n");
}

#[test]
fn lines_are_cut_at_512_octets() {
    for (text, expected) in [(505, 511), (506, 512), (507, 512), (5000, 512)] {
        let line = encoded(&Reply::plain(250, "x".repeat(text)));
        assert_eq!(line.len(), expected, "{text} octets of text");
        assert!(line.ends_with("x\r\n"));
    }
    let reply = Reply::new(550, Enhanced::new(5, 7, 1), format!("a\n{}\nb", "x".repeat(5000)));
    let lines = encoded(&reply);
    assert!(lines.lines().all(|line| line.len() + 2 <= REPLY_LINE_MAX));
    assert!(lines.ends_with("\r\n550 5.7.1 b\r\n"));
}

#[test]
fn a_missing_enhanced_code_is_supplied_by_class() {
    assert_eq!(encoded(&Reply::plain(250, "ok").with_enhanced()), "250 2.0.0 ok\r\n");
    assert_eq!(encoded(&Reply::plain(452, "").with_enhanced()), "452 4.0.0\r\n");
    assert_eq!(encoded(&Reply::plain(354, "go on").with_enhanced()), "354 go on\r\n");
    let kept = Reply::new(550, Enhanced::new(5, 1, 1), "no").with_enhanced();
    assert_eq!(kept.enhanced, Some(Enhanced::new(5, 1, 1)));
}

#[test]
fn the_first_digit_decides() {
    let kinds = |code| {
        let reply = Reply::plain(code, "");
        [reply.is_positive(), reply.is_intermediate(), reply.is_transient(), reply.is_permanent()]
    };
    assert_eq!(kinds(299), [true, false, false, false]);
    assert_eq!(kinds(354), [false, true, false, false]);
    assert_eq!(kinds(421), [false, false, true, false]);
    assert_eq!(kinds(599), [false, false, false, true]);
    assert_eq!(kinds(100), [false; 4]);
}

#[test]
fn a_reply_is_one_line_in_a_log() {
    let reply = Reply::new(550, Enhanced::new(5, 7, 1), "opted out\nask us");
    assert_eq!(reply.to_string(), "550 5.7.1 opted out / ask us");
    assert_eq!(Reply::plain(250, "").to_string(), "250");
}

#[test]
fn enhanced_codes_are_read_as_rfc_3463_writes_them() {
    for (text, expected) in [
        ("2.1.5 ok", Some((Enhanced::new(2, 1, 5), "ok"))),
        ("5.7.1", Some((Enhanced::new(5, 7, 1), ""))),
        ("4.999.999  x", Some((Enhanced::new(4, 999, 999), " x"))),
        ("2.1.5ok", None),
        ("2.1", None),
        ("2.1.5.3 x", None),
        ("3.1.5 x", None),
        ("22.1.5 x", None),
        ("2.01.5 x", None),
        ("2.1000.5 x", None),
        ("2..5 x", None),
        ("2.+1.5 x", None),
        (" 2.1.5 x", None),
        ("", None),
    ] {
        assert_eq!(Enhanced::split(text), expected, "{text:?}");
    }
}
