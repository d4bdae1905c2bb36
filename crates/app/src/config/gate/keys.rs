//! The keys of a gate, and which check each goes with.

use std::ops::Range;

use super::content_forms::{FileNames, MediaTypes, PostalAddresses, UnjudgedWord, Words};
use super::forms::{
    CheckWord, FieldNameSaid, GateName, GateText, Marks, Regex, StreamNames, VerdictWord,
};
use crate::config::choice::ClassWord;
use crate::config::fault::Fault;
use crate::config::form::{Count, Flag, Form};
use crate::config::pattern::{Addresses, AuthorDomains, FieldNames};
use crate::config::quantity::{Size, Span};
use crate::config::section::{
    KeyInfo, Maybe, Origin, Reader, Row, Rule, Said, Section, SectionInfo, section,
};

section! {
    /// A rule over messages: what it looks for, and what is done about a message in which it finds it. Gates are asked in the order of the file, those over the header before those over the content; the first that refuses, defers or permits is the last one that is asked.
    Gate = "gate", many {
        /// Its name. It stands in the evidence and in the log.
        name: GateName = required("\"one-click\""),
        /// What it looks for. "from": no single From, or one that cannot be read for certain, or with an author who is not at one of `domains`. "required": one of `fields` is missing. "forbidden": one of `fields` is there. "field": a `field` that `regex` fits. "one-click": no one-click unsubscribe in the form of RFC 8058. "received": more Received fields than `more_than`. "subject": a subject that may mislead. "advertisement": a subject without one of `marks` at its beginning. "postal-address": none of `addresses` in what is shown, in each alternative (CAN-SPAM). "opt-out-notice": no notice of how to opt out with a link, an address or the word that an answer is enough, in each alternative. "text": a subject or a text that `regex` fits. "attachments": one with such a name, type or size.
        check: CheckWord = required("\"one-click\""),
        /// What is done then: "refuse" with 550, or "defer" with 451, at the final dot; "permit": it passes, and no further gate is asked, for "forbidden", "field", "text" and "attachments"; or "shadow": it passes, and the evidence says so.
        verdict: VerdictWord = without("\"shadow\"", "\"refuse\"; \"shadow\" for check = \"subject\""),
        /// What the client is told then; the reference follows.
        text: GateText = without("\"Newsletters need one-click unsubscribe, see https://intra.corp.example/mail\"", "what was found"),
        /// Condition: the stream the message is on.
        stream: StreamNames = without("[\"newsletter\"]", "any"),
        /// Condition: the class of that stream.
        class: ClassWord = without("\"commercial\"", "any"),
        /// Condition: the listener it came in by.
        listener: Addresses = without("[\"127.0.0.1:2525\"]", "any"),
        /// For "from": the domains its authors may be at. `*.corp.example` are the domains below that one.
        domains: AuthorDomains = without("[\"corp.example\", \"*.corp.example\"]", "any"),
        /// For "required" and "forbidden": header fields.
        fields: FieldNames = without("[\"Date\", \"Message-ID\"]", "needed there"),
        /// For "field": a header field.
        field: FieldNameSaid = without("\"Subject\"", "needed there"),
        /// For "field" and "text": a regular expression for the text; that of a field as it stands there or decoded, with and without what the eye does not see. Without look-around and backreferences, so that it takes no time; (?i) in front for any case.
        regex: Regex = without("'(?i)lottery'", "needed there"),
        /// For "received": a number. More than 100 are refused as a loop in any case.
        more_than: Count<0, 100> = without("25", "needed there"),
        /// For "advertisement": what the subject must begin with; case does not count.
        marks: Marks = without("[\"ADV\"]", "needed there"),
        /// For "postal-address": one of them must be there. White space, punctuation, line breaks, accents and case make no difference.
        addresses: PostalAddresses = without("[\"Example Corp, 12 Harbour Street, Springfield, IL 62701\"]", "needed there"),
        /// For "opt-out-notice": own words of a notice, besides those of many languages that are known. The beginning of what stands there is enough.
        words: Words = without("[\"take me off\"]", "none"),
        /// For "attachments": names that none may have. A star stands for any text; case does not count.
        names: FileNames = without("[\"*.exe\", \"*.scr\"]", "any name may be"),
        /// For "attachments": types that none may be of, declared or by its first octets.
        types: MediaTypes = without("[\"application/x-msdownload\", \"video/*\"]", "any type may be"),
        /// For "attachments": whether a name may not look like a document and be that of a program, as invoice.pdf.exe does.
        double_extensions: Flag = without("true", "it may"),
        /// For "attachments": the size that none may exceed, decoded.
        larger_than: Size = without("\"10MB\"", "any size"),
        /// For "attachments": the size that all together may not exceed, decoded.
        all_larger_than: Size = without("\"25MB\"", "any size"),
        /// For "postal-address", "opt-out-notice", "text" and "attachments": how long it may take.
        cap: Span = without("\"10s\"", "10 seconds"),
        /// For the same: what is done when it takes longer: "defer" or "refuse" the message, or "permit": the next gate is asked.
        when_slow: UnjudgedWord = without("\"defer\"", "\"defer\" if the verdict is to refuse or defer, else \"permit\""),
        /// For the same: what is done when the message cannot be read whole (broken, encrypted, too complex) and nothing is found in what can be read.
        when_unreadable: UnjudgedWord = without("\"refuse\"", "the verdict, if that is to refuse or defer, else \"permit\""),
    }
}

/// The checks over content.
const CONTENT: &[CheckWord] =
    &[CheckWord::PostalAddress, CheckWord::OptOutNotice, CheckWord::Text, CheckWord::Attachments];

/// A key of a check: its name, its place if it is in the file, and the checks it goes with.
pub(super) struct CheckKey {
    pub(super) name: &'static str,
    pub(super) said: Option<Range<usize>>,
    pub(super) goes_with: &'static [CheckWord],
}

impl Gate {
    /// All keys of checks.
    pub(super) fn keys(&self) -> Vec<CheckKey> {
        fn span<T>(said: &Maybe<T>) -> Option<Range<usize>> {
            said.said().and_then(Said::span)
        }
        let key = |name, said, goes_with| CheckKey { name, said, goes_with };
        vec![
            key("domains", span(&self.domains), &[CheckWord::From]),
            key("fields", span(&self.fields), &[CheckWord::Required, CheckWord::Forbidden]),
            key("field", span(&self.field), &[CheckWord::Field]),
            key("regex", span(&self.regex), &[CheckWord::Field, CheckWord::Text]),
            key("more_than", span(&self.more_than), &[CheckWord::Received]),
            key("marks", span(&self.marks), &[CheckWord::Advertisement]),
            key("addresses", span(&self.addresses), &[CheckWord::PostalAddress]),
            key("words", span(&self.words), &[CheckWord::OptOutNotice]),
            key("names", span(&self.names), &[CheckWord::Attachments]),
            key("types", span(&self.types), &[CheckWord::Attachments]),
            key("double_extensions", span(&self.double_extensions), &[CheckWord::Attachments]),
            key("larger_than", span(&self.larger_than), &[CheckWord::Attachments]),
            key("all_larger_than", span(&self.all_larger_than), &[CheckWord::Attachments]),
            key("cap", span(&self.cap), CONTENT),
            key("when_slow", span(&self.when_slow), CONTENT),
            key("when_unreadable", span(&self.when_unreadable), CONTENT),
        ]
    }
}

/// Tells that a key is missing which the check needs.
pub(super) fn needs<T>(
    gate: &Gate,
    key: &str,
    said: &Maybe<T>,
    example: &str,
    faults: &mut Vec<Fault>,
) {
    let Some(check) = gate.check.said() else { return };
    if matches!(said, Maybe::Absent) {
        let message = format!("check = {} needs `{key}`", check.value.show());
        faults.push(Fault::maybe_at(check.span(), message).help(format!("add: {key} = {example}")));
    }
}
