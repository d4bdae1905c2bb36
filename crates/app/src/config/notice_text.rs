//! The texts that a notice is made of.
//!
//! RFC 5321 s4.2: `textstring = 1*(%d09 / %d32-126)`. A text pasted from a word processor brings
//! curly quotes and dashes; each is shown with what to type instead. It is refused here and not
//! repaired, because a policy should say what its author wrote.

use std::ops::Range;

use super::fault::Fault;
use super::form::{Form, Given, Text};

/// A text with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// Where it stands, quotes included.
    pub(crate) span: Range<usize>,
}

/// What ready texts are filled with.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Filling {
    /// Whose policy it is.
    pub(crate) provider: Option<Piece>,
    /// Where the policy can be read.
    pub(crate) policy: Option<Piece>,
    /// The country in two letters.
    pub(crate) country: Option<Piece>,
    /// The state or locality.
    pub(crate) state: Option<Piece>,
    /// Bulk mail too.
    pub(crate) bulk: Option<(bool, Range<usize>)>,
}

impl Piece {
    /// Reads one; every character that cannot stand in a greeting is told.
    pub(crate) fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let Text(text) = Text::read(given, faults)?;
        let piece = Self { text, span: given.span.clone() };
        piece.check(faults);
        Some(piece)
    }

    /// Tells of every character that cannot stand in a greeting.
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        for (at, c) in self.text.char_indices() {
            if !matches!(c, ' '..='~') {
                faults.push(self.one_character(at, c));
            }
        }
    }

    fn one_character(&self, at: usize, c: char) -> Fault {
        let name = match c {
            '\n' | '\r' => "a line break".to_owned(),
            c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
            c => format!("`{c}` (U+{:04X})", u32::from(c)),
        };
        let fault = Fault::at(self.place_of(at, c), format!("{name} cannot stand in a greeting"))
            .label("only printable ASCII (RFC 5321 s4.2)");
        match plain(c) {
            Some(" ") => fault.help("write a space"),
            Some("\"") => fault.help("write \\\" (with the backslash, inside a TOML string)"),
            Some(plain) => fault.help(format!("write {plain}")),
            None => fault.help("leave it out, or write it in ASCII"),
        }
    }

    /// The character itself in the file when the string is written without escapes, else the
    /// whole string.
    fn place_of(&self, at: usize, c: char) -> Range<usize> {
        let whole = self.span.clone();
        if whole.len() == self.text.len() + 2 {
            let start = whole.start + 1 + at;
            return start..start + c.len_utf8();
        }
        whole
    }
}

/// What people type for what programs make of it.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}' | '\u{2032}' | '\u{00B4}' => "'",
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{2033}' | '\u{00AB}'
        | '\u{00BB}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\n' | '\r' | '\t' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => " ",
        '\u{2022}' | '\u{00B7}' => "*",
        '\u{00A9}' => "(c)",
        '\u{00AE}' => "(R)",
        '\u{2122}' => "(TM)",
        '\u{00A7}' => "section",
        '\u{20AC}' => "EUR",
        '\u{00E4}' => "ae",
        '\u{00F6}' => "oe",
        '\u{00FC}' => "ue",
        '\u{00C4}' => "Ae",
        '\u{00D6}' => "Oe",
        '\u{00DC}' => "Ue",
        '\u{00DF}' => "ss",
        _ => return None,
    })
}
