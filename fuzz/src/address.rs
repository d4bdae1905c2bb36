//! Addresses: one reading only, however they are written.

use address::{
    AddressError, Canonical, ForwardPath, Mailbox, PersonRules, ReversePath, split_path,
};

/// What stands behind `RCPT TO:` or `MAIL FROM:`.
pub fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok((path, rest)) = split_path(text) {
        assert_eq!([path, rest].concat(), text);
    }
    if let Ok(path) = ForwardPath::parse(text) {
        let written = path.to_string();
        is_one_line(&written);
        assert_eq!(ForwardPath::parse(&written), Ok(path.clone()));
        assert_eq!(split_path(&written), Ok((written.as_str(), "")));
        if let Some(mailbox) = path.mailbox() {
            // A recipient that is let through can be looked up.
            assert!(mailbox.canonical(&PersonRules::default()).is_ok(), "{written:?}");
            assert!(!mailbox.local().contains(['@', '%', '!', '"', '\\']), "routing: {written:?}");
            is_sound(mailbox);
        }
    }
    if let Ok(path) = ReversePath::parse(text) {
        let written = path.to_string();
        is_one_line(&written);
        assert_eq!(ReversePath::parse(&written), Ok(path.clone()));
        assert_eq!(path.domain().is_some(), path.mailbox().is_some());
    }
    if let Ok(mailbox) = Mailbox::parse(text) {
        is_sound(&mailbox);
    }
}

fn is_one_line(written: &str) {
    assert!(!written.contains(char::is_control));
    assert!(written.starts_with('<') && written.ends_with('>'));
}

/// `key(parse(render(m))) == key(m)`, and the canonical form is one of its own.
fn is_sound(mailbox: &Mailbox) {
    let written = mailbox.to_string();
    assert_eq!(Mailbox::parse(&written).as_ref(), Ok(mailbox), "{written:?}");
    for rules in [PersonRules::default(), PersonRules::none()] {
        let Ok(canonical) = mailbox.canonical(&rules) else { continue };
        let again = canonical_of(canonical.exact(), &rules);
        assert_eq!(again.as_ref().map(Canonical::exact), Ok(canonical.exact()), "{written:?}");
        assert_eq!(again.as_ref().map(Canonical::person), Ok(canonical.person()), "{written:?}");
        // What is left of `"a +tag"` is no mailbox that anybody could have (`"a "`), but where it
        // is one, it is the person.
        if let Ok(again) = canonical_of(canonical.person(), &rules) {
            assert_eq!(again.person(), canonical.person(), "{written:?}");
            assert_eq!(again.exact(), canonical.person(), "{written:?}");
        }
        assert!(canonical.exact().ends_with(canonical.domain()));
    }
}

/// Canonical forms are unquoted; their only at sign divides them.
fn canonical_of(form: &str, rules: &PersonRules) -> Result<Canonical, AddressError> {
    let quoted = || {
        let (local, domain) = form.split_once('@').unwrap_or_default();
        Mailbox::parse(&format!("\"{local}\"@{domain}"))
    };
    Mailbox::parse(form).or_else(|_| quoted())?.canonical(rules)
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn corpus() {
        let words: &[&[u8]] = &[
            b"@",
            b".",
            b"\"",
            b"\\",
            b"%",
            b"!",
            b"+tag",
            b"<",
            b">",
            b"xn--",
            b"@gmail.com",
            b"@b\xc3\xbccher.example",
            b"[192.0.2.1]",
            b"\xe2\x80\x8b",
            b"\xc4\xb1",
            b"\xe3\x80\x82",
        ];
        exercise("address", super::address, words);
    }
}
