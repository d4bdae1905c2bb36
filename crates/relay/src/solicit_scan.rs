//! The header field `Solicitation`, read as the header streams by (RFC 3865 s2.5).
//!
//! Every line up to the empty one counts that begins with that name and a colon, also behind a
//! line that is no field: some programs end the header there, others go on. For a refusal what
//! all such fields say counts together, and words are told apart more freely than the grammar
//! has them; what is passed on is the value of the only field, as it stands, where everybody
//! reads it alike. Nothing is kept but the beginning of a line and the value of such a field.

use message::{continues_field, field_line};
use policy::ClassRefusal;
use smtp_wire::Solicitation;

use crate::header_lines::{HeaderLine, HeaderLines};

/// Octets that are kept of a line; the grammar has lists of at most 1000.
const LINE_MAX: usize = 2048;
/// Octets of all such fields of a message together.
const VALUES_MAX: usize = 4096;

/// What the field is called.
const FIELD: &[u8] = b"solicitation";

/// What a span has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The header goes on.
    NotYet,
    /// It has ended.
    Ended,
    /// There is more in such fields than anybody means.
    Unreadable,
}

/// What a header says of the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Every class in it, separated by commas.
    pub(crate) carried: String,
    /// The list to be passed on; none where there is not exactly one, or it is malformed.
    pub(crate) value: Option<Solicitation>,
    /// It was.
    pub(crate) was_passed_on: bool,
}

/// The classes of a message, as far as its content has shown them.
#[derive(Debug, Default)]
pub(crate) enum Classes {
    /// Nobody asks.
    #[default]
    NotRead,
    /// The header goes on.
    Reading(Box<Reading>),
    /// It has ended.
    Read(Box<Said>),
}

/// A header that is being read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) scan: SolicitScan,
    /// What recipients refuse, where the listener only watches.
    pub(crate) watched: Vec<ClassRefusal>,
}

impl Classes {
    /// Every class the message is of, separated by commas, as far as the header was read.
    pub(crate) fn carried(&self) -> &str {
        match self {
            Self::Read(said) => &said.carried,
            Self::NotRead | Self::Reading(_) => "",
        }
    }

    pub(crate) fn is_reading(&self) -> bool {
        matches!(self, Self::Reading(_))
    }
}

/// Reads a header for its classes of solicitation.
#[derive(Debug)]
pub(crate) struct SolicitScan {
    /// What the client said by `SOLICIT=`.
    declared: Option<Solicitation>,
    lines: HeaderLines<LINE_MAX>,
    /// The line before was of a field, whichever: the next may be a continuation.
    open: bool,
    /// What such a field says so far.
    value: Option<Vec<u8>>,
    /// Octets of values so far.
    octets: usize,
    /// A line was no field: from here on programs differ in whether this is the header.
    broken: bool,
    /// Such fields so far.
    fields: usize,
    said: Said,
}

impl SolicitScan {
    pub(crate) fn new(declared: Option<Solicitation>) -> Self {
        Self {
            declared,
            lines: HeaderLines::default(),
            open: false,
            value: None,
            octets: 0,
            broken: false,
            fields: 0,
            said: Said::default(),
        }
    }

    /// Takes a span of mail data. After anything but [`Seen::NotYet`] it takes no more.
    pub(crate) fn scan(&mut self, mut span: &[u8]) -> Seen {
        let mut lines = std::mem::take(&mut self.lines);
        while let Some(line) = lines.next(&mut span) {
            let seen = self.whole_line(line);
            if seen != Seen::NotYet {
                return seen;
            }
        }
        self.lines = lines;
        Seen::NotYet
    }

    fn whole_line(&mut self, HeaderLine { octets: line, is_cut }: HeaderLine<'_>) -> Seen {
        let continues = continues_field(line);
        if continues && self.open {
            // Of blanks alone: to some the end of the header.
            self.broken |= line.trim_ascii().is_empty();
            if self.value.is_none() {
                return Seen::NotYet;
            }
            return self.keep(line, is_cut);
        }
        self.field_ended();
        if line.is_empty() {
            return Seen::Ended;
        }
        // A continuation of nothing is a field to some programs.
        self.broken |= continues;
        let line = line.trim_ascii_start();
        let Some((name, value)) = field_line(line) else {
            self.broken = true;
            self.open = false;
            let begun = line.trim_ascii_end();
            let name = FIELD.get(..begun.len()).unwrap_or_default();
            // Its colon, and what it says, may stand where nothing is kept any more.
            return match is_cut && begun.eq_ignore_ascii_case(name) {
                true => Seen::Unreadable,
                false => Seen::NotYet,
            };
        };
        self.open = true;
        if !name.eq_ignore_ascii_case(FIELD) {
            return Seen::NotYet;
        }
        self.value = Some(Vec::new());
        self.keep(value, is_cut)
    }

    fn keep(&mut self, part: &[u8], is_cut: bool) -> Seen {
        self.octets = self.octets.saturating_add(part.len());
        if is_cut || self.octets > VALUES_MAX {
            return Seen::Unreadable;
        }
        if let Some(value) = &mut self.value {
            value.extend_from_slice(part);
        }
        Seen::NotYet
    }

    fn field_ended(&mut self) {
        let Some(value) = self.value.take() else { return };
        let value = String::from_utf8_lossy(&value);
        for word in value.split(|c: char| c == ',' || c.is_ascii_whitespace()) {
            let known = |class: &str| class.eq_ignore_ascii_case(word);
            if Solicitation::parse(word).is_some() && !self.said.carried.split(',').any(known) {
                if !self.said.carried.is_empty() {
                    self.said.carried.push(',');
                }
                self.said.carried.push_str(word);
            }
        }
        self.fields += 1;
        let only = self.fields == 1 && !self.broken;
        self.said.value = Solicitation::parse(value.trim_ascii()).filter(|_| only);
    }

    /// The header has ended, or the message has: what it says, or nothing where it is not what
    /// the client has said in MAIL (RFC 3865 s2.3).
    pub(crate) fn end(mut self) -> Option<Said> {
        let mut lines = std::mem::take(&mut self.lines);
        if let Some(line) = lines.last()
            && self.whole_line(line) == Seen::Unreadable
        {
            return None;
        }
        self.field_ended();
        let Some(declared) = self.declared else { return Some(self.said) };
        let same = self.said.value.as_ref().is_some_and(|value| value.is_same(&declared));
        // It went upstream already, or never will.
        same.then_some(Said { value: None, ..self.said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Option<Solicitation> {
        Solicitation::parse(text)
    }

    /// The same, however it is cut.
    fn read(declared: &str, message: &str) -> Option<Said> {
        let outcome = |step: usize| {
            let mut scan = SolicitScan::new(list(declared));
            let mut pieces = message.as_bytes().chunks(step);
            match pieces.find_map(|piece| Some(scan.scan(piece)).filter(|s| *s != Seen::NotYet)) {
                Some(Seen::Unreadable) => None,
                _ => scan.end(),
            }
        };
        let whole = outcome(message.len());
        for step in [1, 2, 3, 7, 64] {
            assert_eq!(outcome(step), whole, "{message:?}, step {step}");
        }
        whole
    }

    fn said(message: &str) -> (String, Option<String>) {
        let Said { carried, value, .. } = read("", message).unwrap();
        (carried, value.map(|value| value.as_str().to_owned()))
    }

    #[test]
    fn a_field_is_found_where_other_programs_find_one() {
        // A continuation of nothing; but it is not passed on, where not everybody sees it.
        let nothing = ("net.example:ADV".to_owned(), None);
        for message in [
            "no field\r\n Solicitation: net.example:ADV\r\n\r\n",
            "no field\r\n \t\r\n\tsolicitation : net.example:ADV\r\n\r\n",
        ] {
            assert_eq!(said(message), nothing, "{message:?}");
        }
        let continued = "Subject: x\r\n Solicitation: net.example:ADV\r\n\r\n";
        assert_eq!(said(continued), (String::new(), None));
        // What would be its value is not kept.
        let blanks = " ".repeat(LINE_MAX);
        for line in [
            format!("Solicitation{blanks}: net.example:ADV\r\n\r\n"),
            format!("no field\r\n{blanks}Solicitation: net.example:ADV\r\n\r\n"),
        ] {
            assert_eq!(read("", &line), None);
        }
        let long = format!("Subject:{blanks}x\r\nX{blanks}\r\nSolicitation: a:b\r\n\r\n");
        assert_eq!(said(&long).0, "a:b");
    }

    #[test]
    fn the_only_field_is_what_the_message_is_of() {
        for message in [
            "Solicitation: net.example:ADV,a:b\r\n\r\nSolicitation: body:x\r\n",
            "Subject: x\r\nSOLICITATION :\r\n  net.example:ADV,a:b \r\nTo: y\r\n\r\n",
            "Solicitation:net.example:ADV,a:b",
            "X-Solicitation: c:d\r\n Solicitation: e:f\r\nSolicitation: net.example:ADV,a:b\r\n",
        ] {
            let expected = ("net.example:ADV,a:b".to_owned(), list("net.example:ADV,a:b"));
            let (carried, value) = said(message);
            assert_eq!((carried, value.and_then(|value| list(&value))), expected, "{message}");
        }
        assert_eq!(said("Subject: x\r\n\r\nSolicitation: a:b\r\n"), (String::new(), None));
    }

    /// Standards A-T12: not repaired, and read for a refusal all the same.
    #[test]
    fn a_malformed_value_is_not_passed_on() {
        for (value, carried) in [
            ("foo bar", "foo,bar"),
            ("a:b, c:d", "a:b,c:d"),
            ("a:b,,A:B", "a:b"),
            ("(comment) a:b", "a:b"),
            ("", ""),
            ("1x:y", ""),
            ("a:b\r\n ,c:d", "a:b,c:d"),
        ] {
            let read = said(&format!("Solicitation: {value}\r\n\r\n"));
            assert_eq!(read, (carried.to_owned(), None), "{value}");
        }
    }

    /// Standards A-T17.
    #[test]
    fn two_fields_are_a_union_and_no_value() {
        let read = said("Solicitation: a:b\r\nSolicitation: c:d,A:B\r\n\r\n");
        assert_eq!(read, ("a:b,c:d".to_owned(), None));
        let read = said("Solicitation: a:b\r\nno field\r\nSolicitation: c:d\r\n\r\n");
        assert_eq!(read, ("a:b,c:d".to_owned(), None));
    }

    #[test]
    fn what_only_some_take_for_the_header_refuses_and_is_not_passed_on() {
        for line in ["no field", " ", "two words: x", "caf\u{e9}: x"] {
            let read = said(&format!("A: b\r\n{line}\r\nSolicitation: a:b\r\n\r\n"));
            assert_eq!(read, ("a:b".to_owned(), None), "{line}");
            let before = said(&format!("Solicitation: a:b\r\nX: y\r\n{line}\r\n\r\n"));
            assert_eq!(before, ("a:b".to_owned(), Some("a:b".to_owned())), "{line}");
        }
    }

    /// Standards A-T9.
    #[test]
    fn header_and_parameter_must_agree() {
        let same = Some(Said { carried: "a:b,c:d".to_owned(), ..Said::default() });
        assert_eq!(read("A:B,c:d", "Solicitation: a:b,c:d\r\n\r\n"), same);
        for message in [
            "Subject: x\r\n\r\n",
            "Solicitation: a:b\r\n\r\n",
            "Solicitation: c:d,a:b\r\n\r\n",
            "Solicitation: a:b, c:d\r\n\r\n",
            "Solicitation: a:b,c:d\r\nSolicitation: a:b,c:d\r\n\r\n",
        ] {
            assert_eq!(read("a:b,c:d", message), None, "{message}");
        }
    }

    #[test]
    fn nothing_is_kept_without_bound() {
        let mut scan = SolicitScan::new(None);
        for _ in 0..1000 {
            assert_eq!(scan.scan(&[b'a'; 1000]), Seen::NotYet);
        }
        assert!(scan.lines.capacity() <= 2 * LINE_MAX);
        let long = "x".repeat(LINE_MAX);
        assert_eq!(read("", &format!("Solicitation: {long}\r\n\r\n")), None);
        let folded = format!("Solicitation: a:b{}\r\n\r\n", "\r\n ,cccccccc:d".repeat(500));
        assert_eq!(read("", &folded), None);
        let fields = "Solicitation: aaaaaaaa:b\r\n".repeat(500);
        assert_eq!(read("", &format!("{fields}\r\n")), None);
        let other = format!("References: {long}{long}\r\nSolicitation: a:b\r\n\r\n");
        assert_eq!(said(&other).0, "a:b");
    }
}
