//! Forms of the conditions of a stream: each a list of patterns of which one must hold,
//! each pattern with its place in the file.

use std::net::SocketAddr;
use std::ops::Range;

use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::naming::show_list;
use super::network::Listen;

/// A list of texts that `check` likes; it says what is wrong with one.
fn texts<F: Form>(
    given: &Given<'_>,
    faults: &mut Vec<Fault>,
    check: impl Fn(&str) -> Result<(), &'static str>,
) -> Option<Vec<String>> {
    let before = faults.len();
    let mut out = Vec::new();
    let items = given.elements::<F>(faults)?;
    if items.is_empty() {
        faults.push(given.wrong::<F>("nothing would match").help("leave the key out for any"));
    }
    for item in items {
        let DeValue::String(text) = item.value else {
            faults.push(item.wrong_type::<F>());
            continue;
        };
        match check(text) {
            Ok(()) => out.push(text.to_string()),
            Err(why) => faults.push(
                Fault::at(item.span.clone(), format!("\"{}\": {why}", text.escape_debug()))
                    .help(format!("for example {}", F::EXAMPLE)),
            ),
        }
    }
    (faults.len() == before).then_some(out)
}

macro_rules! patterns {
    ($(#[$meta:meta])* $name:ident, $form:literal, $example:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) Vec<String>);

        impl Form for $name {
            const NAME: &'static str = $form;
            const EXAMPLE: &'static str = $example;
            fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
                texts::<Self>(given, faults, $check).map(Self)
            }
            fn show(&self) -> String {
                show_list(&self.0)
            }
        }
    };
}

patterns! {
    /// Names that clients log in with.
    Logins, "a list of login names", r#"["erp", "shop-*"]"#, one_line
}

patterns! {
    /// Senders of the envelope.
    Senders, "a list of senders",
    r#"["news@corp.example", "@corp.example", "*@*.corp.example", "<>"]"#, sender
}

patterns! {
    /// Keywords of RFC 3865.
    Keywords, "a list of solicitation keywords", r#"["org.example:ADV"]"#, keyword
}

fn one_line(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("it is empty"),
        text if text.chars().any(char::is_control) => Err("it holds a control character"),
        _ => Ok(()),
    }
}

/// An address, a domain behind its `@`, the null path, or one of these with stars.
fn sender(text: &str) -> Result<(), &'static str> {
    one_line(text)?;
    if text == "<>" {
        return Ok(());
    }
    if text.contains(['<', '>', ' ', ',']) {
        return Err("the address alone, without brackets, names or spaces");
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err("an address has an @; a whole domain is written \"@corp.example\"");
    };
    if local.contains('@') {
        return Err("two @");
    }
    if domain.contains('*') {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*');
        return match domain.bytes().all(plain) {
            true => Ok(()),
            false => Err("a domain with stars is written as on the wire: letters, digits, - and ."),
        };
    }
    match super::naming::domain(domain) {
        Some(_) => Ok(()),
        None => Err("behind the @ stands no mail domain"),
    }
}

/// RFC 3865 s2: `keyword = word; word = ALPHA *(wordchar); wordchar = "." / "-" / "_" / ":" /
/// ALPHA / DIGIT`. And stars.
fn keyword(text: &str) -> Result<(), &'static str> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '*');
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'*');
    match starts && text.bytes().all(rest) {
        true => Ok(()),
        false => Err("a keyword is a letter, then letters, digits, `.`, `-`, `_` and `:`"),
    }
}

/// Header fields, each with the patterns of which one must fit its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(String, Vec<String>)>);

/// One field's patterns; for the words of its faults.
struct FieldTexts;

impl Form for FieldTexts {
    const NAME: &'static str = "a list of patterns";
    const EXAMPLE: &'static str = "[\"*<news.corp.example>\"]";
    fn read(_: &Given<'_>, _: &mut Vec<Fault>) -> Option<Self> {
        None
    }
    fn show(&self) -> String {
        String::new()
    }
}

impl Form for Fields {
    const NAME: &'static str = "a table of header fields";
    const EXAMPLE: &'static str =
        "{ \"List-Id\" = [\"*<news.corp.example>\"], \"Feedback-ID\" = [\"*:promo:*\"] }";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let DeValue::Table(table) = given.value else {
            faults.push(given.wrong_type::<Self>());
            return None;
        };
        let before = faults.len();
        if table.is_empty() {
            faults.push(given.wrong::<Self>("it names no field").help("leave the key out"));
        }
        let mut fields: Vec<(String, Vec<String>)> = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !is_field_name(name) {
                faults.push(
                    Fault::at(key.span(), format!("\"{name}\" is no name of a header field"))
                        .label("printable ASCII without spaces and colon (RFC 5322 s2.2)")
                        .help("for example \"List-Id\""),
                );
                continue;
            }
            if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                let message = format!("\"{name}\" is there already, in another case");
                faults.push(Fault::at(key.span(), message).help("put its patterns in one list"));
                continue;
            }
            let item = Given { value: value.get_ref(), span: value.span(), text: given.text };
            if let Some(patterns) = texts::<FieldTexts>(&item, faults, one_line) {
                fields.push((name.to_owned(), patterns));
            }
        }
        (faults.len() == before).then_some(Self(fields))
    }
    fn show(&self) -> String {
        let fields: Vec<_> = self.0.iter().map(|(n, p)| (quoted(n), show_list(p))).collect();
        let fields: Vec<_> = fields.iter().map(|(n, p)| format!("{n} = {p}")).collect();
        format!("{{ {} }}", fields.join(", "))
    }
}

/// RFC 5322 s2.2, s3.6.8: `ftext = %d33-57 / %d59-126`.
fn is_field_name(name: &str) -> bool {
    (1..=77).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}

/// Addresses of listeners, each with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses(pub(crate) Vec<(SocketAddr, Range<usize>)>);

impl Form for Addresses {
    const NAME: &'static str = "a list of listeners' addresses";
    const EXAMPLE: &'static str = "[\"127.0.0.1:2525\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let mut out = Vec::new();
        let items = given.elements::<Self>(faults)?;
        if items.is_empty() {
            faults.push(given.wrong::<Self>("nothing would match").help("leave the key out"));
        }
        for item in items {
            if let Some(Listen(address)) = Listen::read(&item, faults) {
                out.push((address, item.span));
            }
        }
        (faults.len() == before).then_some(Self(out))
    }
    fn show(&self) -> String {
        show_list(&self.0.iter().map(|(address, _)| address.to_string()).collect::<Vec<_>>())
    }
}
