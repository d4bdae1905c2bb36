//! The form of `notice`: a text of one's own, ready texts, or both.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::form::{Flag, Form, Given, Text, quoted};
use super::notice_text::{Filling, Piece};
use super::ready::Ready;
use super::section::unknown;

/// What a listener's notice is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Ready texts, in this order.
    pub(crate) ready: Vec<Ready>,
    /// A text of one's own, behind them.
    pub(crate) text: Option<Piece>,
    /// What the ready texts are filled with.
    pub(crate) filling: Filling,
    /// Where all of it stands.
    pub(crate) span: Range<usize>,
}

/// The keys of the table.
const KEYS: [&str; 7] = ["ready", "text", "provider", "policy", "country", "state", "bulk"];

impl Form for Notice {
    const NAME: &'static str = "a text, or a table for ready ones";
    const EXAMPLE: &'static str = r#"{ ready = "no-uce", country = "US", state = "CA" }"#;

    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut notice = Self {
            ready: Vec::new(),
            text: None,
            filling: Filling::default(),
            span: given.span.clone(),
        };
        let before = faults.len();
        match given.value {
            DeValue::String(text) => {
                let piece = Piece { text: text.as_ref().to_owned(), span: given.span.clone() };
                match text.trim().is_empty() {
                    true => faults.push(says_nothing(&given.span)),
                    false => piece.check(faults),
                }
                notice.text = Some(piece);
            }
            DeValue::Table(table) => notice.fill(table, given.text, faults),
            _ => faults.push(given.wrong_type::<Self>()),
        }
        (faults.len() == before).then_some(notice)
    }

    fn show(&self) -> String {
        if let (Some(text), true) = (&self.text, self.ready.is_empty()) {
            return quoted(&text.text);
        }
        let mut parts = Vec::new();
        let names: Vec<_> = self.ready.iter().map(|ready| quoted(ready.name())).collect();
        match names.as_slice() {
            [] => {}
            [one] => parts.push(format!("ready = {one}")),
            several => parts.push(format!("ready = [{}]", several.join(", "))),
        }
        let Filling { provider, policy, country, state, bulk } = &self.filling;
        let texts = [
            ("provider", provider),
            ("policy", policy),
            ("country", country),
            ("state", state),
            ("text", &self.text),
        ];
        for (key, piece) in texts {
            parts.extend(piece.iter().map(|piece| format!("{key} = {}", quoted(&piece.text))));
        }
        parts.extend(bulk.iter().map(|(bulk, _)| format!("bulk = {bulk}")));
        format!("{{ {} }}", parts.join(", "))
    }
}

impl Notice {
    fn fill(&mut self, table: &DeTable<'_>, file: &str, faults: &mut Vec<Fault>) {
        for key in table.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let message = format!("unknown key `{key}` in `notice`");
            faults.push(unknown(key.span(), message, key.get_ref(), &KEYS));
        }
        let item = |name: &str| {
            let value = table.get(name)?;
            Some(Given { value: value.get_ref(), span: value.span(), text: file })
        };
        if let (Some(only), None) = (item("text"), item("ready"))
            && matches!(only.value, DeValue::String(text) if text.trim().is_empty())
        {
            return faults.push(says_nothing(&only.span));
        }
        let mut piece = |name: &str| Piece::read(&item(name)?, faults);
        self.text = piece("text");
        self.filling = Filling {
            provider: piece("provider"),
            policy: piece("policy"),
            country: piece("country"),
            state: piece("state"),
            bulk: None,
        };
        if let Some(given) = item("bulk") {
            self.filling.bulk = Flag::read(&given, faults).map(|Flag(bulk)| (bulk, given.span));
        }
        let Some(given) = item("ready") else {
            if item("text").is_none() {
                faults.push(says_nothing(&self.span));
            }
            return self.only_for(&[], faults);
        };
        let names = match given.value {
            DeValue::Array(_) => given.elements::<Text>(faults).unwrap_or_default(),
            _ => vec![given],
        };
        if names.is_empty() && item("text").is_none() {
            faults.push(says_nothing(&self.span));
        }
        for name in &names {
            let Some(text) = name.string::<Text>(faults) else { continue };
            match Ready::named(text) {
                Some(ready) if self.ready.contains(&ready) => {
                    faults.push(Fault::at(
                        name.span.clone(),
                        format!("\"{text}\" stands here twice"),
                    ));
                }
                Some(ready) => self.ready.push(ready),
                None => {
                    let message = format!("there is no ready text \"{text}\"");
                    faults.push(unknown(name.span.clone(), message, text, &Ready::NAMES));
                }
            }
        }
        for ready in self.ready.clone() {
            ready.check(&self.filling, &self.span, faults);
        }
        self.only_for(&self.ready, faults);
    }

    /// The text behind host name and ESMTP. Empty: there is none.
    pub(crate) fn words(&self) -> String {
        let ready = self.ready.iter().map(|ready| ready.text(&self.filling));
        let own = self.text.iter().map(|piece| piece.text.clone());
        ready.chain(own).collect::<Vec<_>>().join(" ")
    }

    /// Tells of what stands there and none of these texts has a place for.
    fn only_for(&self, ready: &[Ready], faults: &mut Vec<Fault>) {
        let Filling { provider, policy, country, state, bulk } = &self.filling;
        let span = |piece: &Option<Piece>| piece.as_ref().map(|piece| piece.span.clone());
        let keys = [
            ("provider", span(provider), Ready::California),
            ("policy", span(policy), Ready::California),
            ("country", span(country), Ready::NoUce),
            ("state", span(state), Ready::NoUce),
            ("bulk", bulk.as_ref().map(|(_, span)| span.clone()), Ready::NoUce),
        ];
        for (key, span, home) in keys {
            if let Some(span) = span.filter(|_| !ready.contains(&home)) {
                faults.push(
                    Fault::at(span, format!("`{key}` has no meaning in this notice"))
                        .help(format!("it belongs to ready = \"{}\"", home.name())),
                );
            }
        }
    }
}

fn says_nothing(span: &Range<usize>) -> Fault {
    Fault::at(span.clone(), "this notice says nothing")
        .help(format!("add text = \"...\", or a ready one: {}", Notice::EXAMPLE))
        .help("for a greeting without a notice, leave `notice` out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Notice>, Vec<Fault>) {
        let value = DeValue::parse(text).unwrap();
        let mut faults = Vec::new();
        let given = Given { value: value.get_ref(), span: value.span(), text };
        (Notice::read(&given, &mut faults), faults)
    }

    #[test]
    fn what_is_shown_reads_the_same() {
        for text in [
            "\"No UCE.\"",
            "{ ready = \"no-uce\", country = \"US\", state = \"CA\", bulk = true }",
            "{ ready = [\"no-uce\", \"california-17538.45\"], provider = \"A \\\" B\", policy = \"https://x.example/p\", country = \"US\", state = \"CA\", text = \"More.\" }",
        ] {
            let (found, faults) = read(text);
            assert!(faults.is_empty(), "{faults:#?}");
            let found = found.unwrap();
            let (again, _) = read(&found.show());
            let again = again.unwrap();
            assert_eq!((again.words(), again.show()), (found.words(), found.show()), "{text}");
        }
    }

    #[test]
    fn ready_texts_stand_in_their_order_and_ones_own_behind_them() {
        let words = |text: &str| read(text).0.unwrap().words();
        assert_eq!(words("{ text = \"Just this.\" }"), "Just this.");
        assert_eq!(
            words("{ ready = \"no-uce\", country = \"US\", state = \"CA\", text = \"Bye.\" }"),
            "NO UCE C=US L=CA Bye."
        );
        let both = words(
            "{ ready = [\"no-uce\", \"california-17538.45\"], country = \"US\", state = \"CA\", bulk = true, provider = \"Example Corp\" }",
        );
        assert!(
            both.starts_with("NO UCE NO UBE C=US L=CA It is the policy of Example Corp"),
            "{both}"
        );
    }

    #[test]
    fn what_cannot_be_is_told_with_its_place() {
        for (text, at, words) in [
            ("3", "3", "expected a text, or a table"),
            ("{ }", "{ }", "says nothing"),
            ("\"\"", "\"\"", "says nothing"),
            ("\" \\t\"", "\" \\t\"", "says nothing"),
            ("{ ready = [] }", "{ ready = [] }", "says nothing"),
            ("{ text = \"\" }", "\"\"", "says nothing"),
            ("{ redy = \"no-uce\", text = \"x\" }", "redy", "unknown key `redy`"),
            ("{ ready = \"no-uc\" }", "\"no-uc\"", "no ready text \"no-uc\""),
            ("{ ready = 3 }", "3", "expected a text"),
            (
                "{ ready = [\"no-uce\", \"no-uce\"], country = \"US\", state = \"CA\" }",
                "\"no-uce\"",
                "twice",
            ),
            (
                "{ ready = \"no-uce\", state = \"CA\" }",
                "{ ready = \"no-uce\", state = \"CA\" }",
                "needs `country`",
            ),
            ("{ ready = \"no-uce\", country = \"us\", state = \"CA\" }", "\"us\"", "two letters"),
            (
                "{ ready = \"no-uce\", country = \"US\", state = \"New York\" }",
                "\"New York\"",
                "one word",
            ),
            (
                "{ ready = \"california-17538.45\" }",
                "{ ready = \"california-17538.45\" }",
                "needs `provider`",
            ),
            ("{ text = \"x\", provider = \"A\" }", "\"A\"", "no meaning in this notice"),
            (
                "{ ready = \"california-17538.45\", provider = \"A\", bulk = true }",
                "true",
                "`bulk` has no meaning",
            ),
            (
                "{ ready = \"california-17538.45\", provider = \"Bob\u{2019}s\" }",
                "\u{2019}",
                "cannot stand in a greeting",
            ),
        ] {
            let (found, faults) = read(text);
            assert!(found.is_none() && faults.len() == 1, "{text}: {faults:#?}");
            let report = super::super::Report::new("x".as_ref(), text, faults);
            let line = &report.lines()[0];
            assert!(line.message.contains(words), "{text}: {line:?}");
            assert_eq!(line.value.as_deref(), Some(at), "{text}: {line:?}");
        }
        let (_, faults) = read("{ text = \"\u{201c}a\u{201d} \u{2014}\" }");
        assert_eq!(faults.len(), 3, "each one");
    }
}
