//! Forms of the conditions of a stream: each a list of patterns of which one must hold. What
//! a pattern may be is decided by `policy`; here its refusals get their place.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::Range;
use std::str::FromStr;

use policy::{AuthorDomain, FieldName, Pattern, PatternError, SenderPattern};
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted, shortened};
use super::naming::show_list;
use super::network::Listen;

/// Patterns, with their texts as they stand in the file.
#[derive(Clone, Debug)]
pub(crate) struct Patterns<T> {
    /// What they mean.
    pub(crate) meant: Vec<T>,
    pub(crate) texts: Vec<String>,
}

/// A list of texts, each read as a pattern.
pub(crate) fn patterns<F: Form, T: FromStr<Err: Display>>(
    given: &Given<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Patterns<T>> {
    let before = faults.len();
    let mut out = Patterns { meant: Vec::new(), texts: Vec::new() };
    let items = given.elements::<F>(faults)?;
    if items.is_empty() {
        faults.push(
            given
                .wrong::<F>("nothing would match")
                .help("name one; where the key may be left out, that stands for any"),
        );
    }
    for item in items {
        let DeValue::String(text) = item.value else {
            faults.push(item.wrong_type::<F>());
            continue;
        };
        match text.parse() {
            Ok(meant) => {
                out.meant.push(meant);
                out.texts.push(text.to_string());
            }
            Err(why) => {
                let shown = text.escape_debug().to_string();
                faults.push(
                    Fault::at(item.span.clone(), format!("\"{}\" {why}", shortened(&shown)))
                        .help(format!("for example {}", F::EXAMPLE)),
                );
            }
        }
    }
    (faults.len() == before).then_some(out)
}

macro_rules! form {
    ($(#[$meta:meta])* $name:ident of $pattern:ty, $form:literal, $example:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name(pub(crate) Patterns<$pattern>);

        impl Form for $name {
            const NAME: &'static str = $form;
            const EXAMPLE: &'static str = $example;
            fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
                patterns::<Self, $pattern>(given, faults).map(Self)
            }
            fn show(&self) -> String {
                show_list(&self.0.texts)
            }
        }
    };
}

form! {
    /// Names that clients log in with.
    Logins of Pattern, "a list of login names", r#"["erp", "shop-*"]"#
}

form! {
    /// Senders of the envelope.
    Senders of SenderPattern, "a list of senders",
    r#"["news@corp.example", "@corp.example", "*@*.corp.example", "<>"]"#
}

form! {
    /// Domains of authors.
    AuthorDomains of AuthorDomain, "a list of domains", r#"["corp.example", "*.corp.example"]"#
}

form! {
    /// Names of header fields.
    FieldNames of FieldName, "a list of header fields", r#"["Date", "Message-ID"]"#
}

form! {
    /// Keywords of RFC 3865.
    Keywords of Keyword, "a list of solicitation keywords", r#"["org.example:ADV"]"#
}

form! {
    /// Texts of a header field.
    FieldTexts of Pattern, "a list of patterns", r#"["*<news.corp.example>"]"#
}

/// A keyword: RFC 3865 s2 `keyword = word; word = ALPHA *(wordchar); wordchar = "." / "-" /
/// "_" / ":" / ALPHA / DIGIT`. And stars.
#[derive(Clone, Debug)]
pub(crate) struct Keyword(pub(crate) Pattern);

impl FromStr for Keyword {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '*');
        let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_:*".contains(&b);
        if !starts || !text.bytes().all(plain) {
            return Err("is no keyword: a letter, then letters, digits, `.`, `-`, `_`, `:`".into());
        }
        text.parse().map(Self).map_err(|error: PatternError| error.to_string())
    }
}

/// Header fields, each with the patterns of which one must fit its text.
#[derive(Clone, Debug)]
pub(crate) struct Fields(pub(crate) Vec<(FieldName, FieldTexts)>);

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
        let mut fields: Vec<(FieldName, FieldTexts)> = Vec::new();
        for (key, value) in table {
            let text = key.get_ref().as_ref();
            let name: FieldName = match text.parse() {
                Ok(name) => name,
                Err(error) => {
                    faults.push(
                        Fault::at(key.span(), format!("\"{}\" {error}", shortened(text)))
                            .label("printable ASCII without spaces and colon (RFC 5322 s2.2)")
                            .help("for example \"List-Id\""),
                    );
                    continue;
                }
            };
            if fields.iter().any(|(other, _)| *other == name) {
                let message = format!("\"{text}\" is there already, in another case");
                faults.push(Fault::at(key.span(), message).help("put its patterns in one list"));
                continue;
            }
            let item = Given { value: value.get_ref(), span: value.span(), text: given.text };
            if let Some(texts) = FieldTexts::read(&item, faults) {
                fields.push((name, texts));
            }
        }
        (faults.len() == before).then_some(Self(fields))
    }
    fn show(&self) -> String {
        let field = |(name, texts): &(FieldName, FieldTexts)| {
            format!("{} = {}", quoted(name.as_str()), texts.show())
        };
        format!("{{ {} }}", self.0.iter().map(field).collect::<Vec<_>>().join(", "))
    }
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
