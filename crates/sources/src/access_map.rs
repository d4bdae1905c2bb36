//! A Postfix access map (access(5)) as a list: whom it refuses mail to.
//!
//! A logical line is a pattern, white space and an action; a line that begins with white space
//! continues the one before, and blank lines and those that begin with `#` are not there. What is
//! refused (`REJECT`, `DISCARD`, `5nn`) is a row: an address, or a domain with everybody at it.
//! What is let through (`OK`, `DUNNO` and the like) is none. Patterns that mean something that
//! cannot be said of a recipient here, and actions that are neither, are bad rows: left out they
//! would not be missed.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use crate::report::Fault;
use crate::row::Assembler;
use crate::table::{Cells, Scratch, Table};

/// Bytes of a logical line.
const LINE_MAX: usize = 64 * 1024;
/// What is told of lines that say nothing against mail.
const LET_THROUGH: &str = "lets mail through by its action";

/// What is told once of whole domains.
const DOMAINS: &str = "rows such as `example.com` are whole domains: nobody there is mailed any \
                       more; at their sub-domains, which Postfix takes along unless it is told \
                       otherwise, everybody is";

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Refuse,
    LetThrough,
    Other,
}

/// One line of a map.
#[derive(Debug, PartialEq)]
struct Line<'a> {
    pattern: &'a str,
    action: Action,
    text: &'a str,
}

/// A logical line, gathered from those of the file.
#[derive(Default)]
struct Gathered {
    line: u64,
    text: String,
    too_long: bool,
}

/// Reads all lines into the assembler, until it breaks.
pub(crate) fn read(
    text: impl Read,
    table: &Table,
    assembler: &mut Assembler<'_>,
) -> io::Result<ControlFlow<()>> {
    let mut scratch = Scratch::default();
    lines(text, &mut |gathered| take(gathered, table, &mut scratch, assembler))
}

fn lines(
    text: impl Read,
    each: &mut dyn FnMut(&Gathered) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let mut reader = BufReader::new(text);
    let mut gathered = Gathered::default();
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        bytes.clear();
        let more = reader.by_ref().take(LINE_MAX as u64).read_until(b'\n', &mut bytes)? > 0;
        let cut = bytes.len() == LINE_MAX && !bytes.ends_with(b"\n");
        if cut {
            skip_line(&mut reader)?;
        }
        line += 1;
        let part = String::from_utf8_lossy(&bytes);
        let nothing = part.trim().is_empty() || part.trim_start().starts_with('#');
        if more && nothing {
            continue;
        }
        let continues = part.starts_with(char::is_whitespace) && gathered.line > 0;
        if !(more && continues) && gathered.line > 0 && each(&gathered).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if !more {
            return Ok(ControlFlow::Continue(()));
        }
        if !continues {
            gathered = Gathered { line, ..Gathered::default() };
        }
        gathered.too_long |= cut || gathered.text.len() + part.len() > LINE_MAX;
        if !gathered.too_long {
            gathered.text.push_str(&part);
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (length, ended) = match memchr::memchr(b'\n', buffer) {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        if ended {
            return Ok(());
        }
    }
}

fn take(
    gathered: &Gathered,
    table: &Table,
    scratch: &mut Scratch,
    assembler: &mut Assembler<'_>,
) -> ControlFlow<()> {
    let line = Line::of(&gathered.text);
    let who = match (gathered.too_long, line.action) {
        (true, _) => Err(Fault::TooLong),
        (false, Action::LetThrough) => {
            assembler.report.leave_out(LET_THROUGH);
            return ControlFlow::Continue(());
        }
        (false, Action::Other) => Err(Fault::Action),
        (false, Action::Refuse) => recipient(line.pattern),
    };
    match who {
        Ok(who) => {
            let told = assembler.report.warnings.iter().any(|warning| warning == DOMAINS);
            if who.starts_with('@') && !told {
                assembler.report.warnings.push(DOMAINS.to_owned());
            }
            table.take(&Entry { who, text: line.text }, gathered.line, scratch, assembler)
        }
        Err(fault) => {
            assembler.bad(gathered.line, fault, line.pattern);
            ControlFlow::Continue(())
        }
    }
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        let mut quoted = false;
        let end = text.find(|c: char| {
            quoted ^= c == '"';
            c.is_whitespace() && !quoted
        });
        let (pattern, rest) =
            text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
        // Quotes around all of it are not of the pattern.
        let pattern = match pattern.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inside) if !inside.contains('"') => inside,
            _ => pattern,
        };
        let (word, text) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        Self { pattern, action: Action::of(word), text: text.trim() }
    }
}

impl Action {
    fn of(word: &str) -> Self {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        match word.to_ascii_uppercase().as_str() {
            "REJECT" | "DISCARD" => Self::Refuse,
            _ if digits && word.len() == 3 && word.starts_with('5') => Self::Refuse,
            _ if digits && word.len() == 3 && word.starts_with('4') => Self::Other,
            "OK" | "DUNNO" | "INFO" | "WARN" | "PREPEND" | "BCC" | "PERMIT" => Self::LetThrough,
            // Any other number is an OK.
            _ if digits => Self::LetThrough,
            _ => Self::Other,
        }
    }
}

/// The address that a pattern means, or the domain with an `@` before it.
fn recipient(pattern: &str) -> Result<String, Fault> {
    if pattern.starts_with('/') || pattern.starts_with("!/") {
        return Err(Fault::Pattern);
    }
    match pattern.rsplit_once('@') {
        Some((_, "")) => Err(Fault::AnyDomain),
        Some(_) => Ok(pattern.to_owned()),
        None if pattern.starts_with('.') => Err(Fault::SubDomains),
        None if is_network(pattern) => Err(Fault::Network),
        None if pattern.contains('.') => Ok(format!("@{pattern}")),
        None => Err(Fault::NoAtSign),
    }
}

/// An address of IPv4 or IPv6, or the beginning of one, or a network.
fn is_network(pattern: &str) -> bool {
    let pattern = pattern.trim_start_matches('[').trim_end_matches(']');
    pattern.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'))
        || pattern.contains(':')
}

/// Whether text looks like a map: nearly every line has an action that is known.
pub(crate) fn looks_like_one(start: &str) -> bool {
    let (mut all, mut known) = (0, 0);
    // Reading from memory gives no error.
    let _read = lines(start.as_bytes(), &mut |gathered| {
        let text = gathered.text.trim();
        let word = text.split_whitespace().nth(1).unwrap_or_default();
        let shouted = word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        let others = ["DEFER", "HOLD", "FILTER", "REDIRECT", "DEFER_IF_PERMIT"];
        let is_action = match Action::of(word) {
            Action::LetThrough => shouted,
            Action::Refuse => shouted || number,
            Action::Other => others.contains(&word) || (number && word.len() == 3),
        };
        all += 1;
        known += usize::from(is_action);
        ControlFlow::Continue(())
    });
    known > 0 && known * 10 >= all * 9
}

struct Entry<'a> {
    who: String,
    text: &'a str,
}

impl Cells for Entry<'_> {
    fn cell<'c>(&'c self, at: usize, _scratch: &'c mut Vec<u8>) -> &'c [u8] {
        match at {
            0 => self.who.as_bytes(),
            1 => self.text.as_bytes(),
            _ => b"",
        }
    }

    fn is_blank(&self, at: usize) -> bool {
        self.cell(at, &mut Vec::new()).trim_ascii().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gathered(text: &str) -> Vec<(u64, String)> {
        let mut all = Vec::new();
        let _flow = lines(text.as_bytes(), &mut |gathered| {
            let words: Vec<_> = gathered.text.split_whitespace().collect();
            all.push((gathered.line, words.join(" ")));
            ControlFlow::Continue(())
        });
        all
    }

    #[test]
    fn lines_are_continued_and_comments_are_not_there() {
        let text = "# a map\n\na@x.example  REJECT\n  no\n\n # not here\n\tmore\r\nb@x.example OK";
        let expected = [(3, "a@x.example REJECT no more"), (8, "b@x.example OK")];
        assert_eq!(gathered(text), expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!(gathered("  a@x.example REJECT\n"), [(1, "a@x.example REJECT".to_owned())]);
        assert_eq!(gathered(""), []);
    }

    #[test]
    fn patterns_and_actions() {
        let of = |text| {
            let line = Line::of(text);
            (line.action, recipient(line.pattern), line.text)
        };
        let address = |text: &str| Ok(text.to_owned());
        for (text, expected) in [
            ("a@x.example REJECT no mail", (Action::Refuse, address("a@x.example"), "no mail")),
            ("x.example\t550 5.7.1 no", (Action::Refuse, address("@x.example"), "5.7.1 no")),
            ("@x.example discard", (Action::Refuse, address("@x.example"), "")),
            ("\"a b\"@x.example REJECT", (Action::Refuse, address("\"a b\"@x.example"), "")),
            ("\"a@x.example\" REJECT", (Action::Refuse, address("a@x.example"), "")),
            ("a@x.example OK", (Action::LetThrough, address("a@x.example"), "")),
            ("a@x.example 1443651125", (Action::LetThrough, address("a@x.example"), "")),
            ("a@ REJECT", (Action::Refuse, Err(Fault::AnyDomain), "")),
            (".x.example REJECT", (Action::Refuse, Err(Fault::SubDomains), "")),
            ("192.0.2 REJECT", (Action::Refuse, Err(Fault::Network), "")),
            ("2001:db8::/32 REJECT", (Action::Refuse, Err(Fault::Network), "")),
            ("/^a@/ REJECT", (Action::Refuse, Err(Fault::Pattern), "")),
            ("a REJECT", (Action::Refuse, Err(Fault::NoAtSign), "")),
            ("a@x.example 450 later", (Action::Other, address("a@x.example"), "later")),
            ("a@x.example reject_unauth_destination", (Action::Other, address("a@x.example"), "")),
            ("a@x.example", (Action::Other, address("a@x.example"), "")),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_map_is_known_by_its_actions() {
        for map in [
            "a@x.example REJECT\n",
            "# x\na@x.example\tOK\nx.example\tREJECT text, and more\n",
            "a@x.example 550 no\n.x.example DUNNO",
        ] {
            assert!(looks_like_one(map), "{map}");
        }
        for other in [
            "",
            "email\na@x.example\n",
            "a@x.example\nb@x.example\n",
            "Bob OK <a@x.example>\nTim <b@x.example>\n",
            "email,status\na@x.example,REJECT\n",
            "a@x.example 2019\nb@x.example 2020\n",
            "a@x.example ok\n",
        ] {
            assert!(!looks_like_one(other), "{other}");
        }
    }

    #[test]
    fn a_line_without_end_is_one_that_is_too_long() {
        let long = "x".repeat(3 * LINE_MAX);
        let text = format!("a@x.example REJECT\n {long}\nb@x.example {long}\nc@x.example REJECT\n");
        let mut all = Vec::new();
        let _flow = lines(text.as_bytes(), &mut |gathered| {
            all.push((gathered.line, gathered.too_long));
            ControlFlow::Continue(())
        });
        assert_eq!(all, [(1, true), (3, true), (4, false)]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(text in "[a@.\" \t\n#/:0-9REJCT]{0,40}") {
            let mut lines_seen = 0;
            let _flow = lines(text.as_bytes(), &mut |gathered| {
                let line = Line::of(&gathered.text);
                let _recipient = recipient(line.pattern);
                lines_seen += 1;
                ControlFlow::Continue(())
            });
            prop_assert!(lines_seen <= text.lines().count());
        }
    }
}
