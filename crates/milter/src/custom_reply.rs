//! A reply of the filter's own making, `550 5.7.1 no`.

use crate::error::MilterError;

/// Lines of a reply, as libmilter has it.
const LINES_MAX: usize = 32;
/// Octets of a line's text, as libmilter has it.
const LINE_MAX: usize = 980;

/// A refusal with the filter's own words. The text can be shown to a client as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomReply {
    /// 400 to 599.
    pub code: u16,
    /// The enhanced code (RFC 3463), if there is one; its class is that of `code`.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The text without codes, lines separated by `\n`: at most 32 of at most 980 octets,
    /// printable ASCII and tabs.
    pub text: String,
}

impl CustomReply {
    /// Reads the data of a `SMFIR_REPLYCODE`: lines as in SMTP, CRLF between them, NUL behind the
    /// last. A `%` is written twice, as Sendmail would print the text with its `printf`.
    pub(crate) fn decode(data: &[u8]) -> Result<Self, MilterError> {
        let Some((0, reply)) = data.split_last() else {
            return Err(MilterError::ReplyCode("no NUL at its end"));
        };
        let mut reply = reply;
        let mut found: Option<Self> = None;
        for number in 1.. {
            let (line, rest) = match memchr::memmem::find(reply, b"\r\n") {
                Some(end) => (reply.get(..end).unwrap_or_default(), reply.get(end + 2..)),
                None => (reply, None),
            };
            if number > LINES_MAX {
                return Err(MilterError::ReplyCode("too many lines"));
            }
            // One filter or another ends the last line as well.
            let rest = rest.filter(|rest| !rest.is_empty());
            let line = Line::read(line, rest.is_none())?;
            match &mut found {
                None => found = Some(line.into_reply()),
                Some(reply) => reply.append(&line)?,
            }
            let Some(rest) = rest else { break };
            reply = rest;
        }
        found.ok_or(MilterError::ReplyCode("empty"))
    }

    /// The code that the data of such a reply begin with, however the rest is written.
    pub(crate) fn code_of(data: &[u8]) -> Option<u16> {
        code(data).map(|(code, _)| code)
    }

    fn append(&mut self, line: &Line) -> Result<(), MilterError> {
        if line.code != self.code {
            return Err(MilterError::ReplyCode("lines with different codes"));
        }
        if line.enhanced.is_some() && line.enhanced != self.enhanced {
            return Err(MilterError::ReplyCode("lines with different enhanced codes"));
        }
        self.text.push('\n');
        self.text.push_str(&line.text);
        Ok(())
    }
}

struct Line {
    code: u16,
    enhanced: Option<(u8, u16, u16)>,
    text: String,
}

impl Line {
    fn into_reply(self) -> CustomReply {
        CustomReply { code: self.code, enhanced: self.enhanced, text: self.text }
    }

    /// `last` tells which separator must stand behind the code.
    fn read(line: &[u8], last: bool) -> Result<Self, MilterError> {
        let (code, rest) = code(line).ok_or(MilterError::ReplyCode("no 4yz or 5yz"))?;
        let text = match rest.split_first() {
            None if last => rest,
            Some((b' ', text)) if last => text,
            Some((b'-', text)) if !last => text,
            _ => return Err(MilterError::ReplyCode("no SMTP lines")),
        };
        if text.iter().any(|octet| matches!(octet, b'\r' | b'\n' | b'\0')) {
            return Err(MilterError::ReplyCode("CR, LF or NUL in the text"));
        }
        if text.len() > LINE_MAX {
            return Err(MilterError::ReplyCode("a line is too long"));
        }
        // What no client could read is shown as what it is: it must not become a permit.
        let shown = |octet: &u8| match *octet {
            b'\t' | b' '..=b'~' => char::from(*octet),
            _ => '?',
        };
        let text: String = text.iter().map(shown).collect();
        let text = text.replace("%%", "%");
        let (enhanced, text) = match enhanced(&text) {
            Some((class, ..)) if u16::from(class) != code / 100 => {
                return Err(MilterError::ReplyCode("an enhanced code of another class"));
            }
            Some((class, subject, detail, rest)) => (Some((class, subject, detail)), rest.into()),
            None => (None, text),
        };
        Ok(Self { code, enhanced, text })
    }
}

/// `Reply-code = %x34-35 2DIGIT`, of RFC 5321 s4.2 what refuses.
fn code(line: &[u8]) -> Option<(u16, &[u8])> {
    let (code, rest) = line.split_first_chunk::<3>()?;
    let digits =
        str::from_utf8(code).ok().filter(|code| code.bytes().all(|d| d.is_ascii_digit()))?;
    let code = digits.parse().ok().filter(|code| (400..600).contains(code))?;
    Some((code, rest))
}

/// `status-code = class "." subject "." detail`, the latter two of up to three digits (RFC 3463
/// s2); and the text behind it.
fn enhanced(text: &str) -> Option<(u8, u16, u16, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut numbers = word.split('.');
    let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let digits = |number: &str| {
        (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    let all = [class, subject, detail].into_iter().all(digits);
    if numbers.next().is_some() || class.len() != 1 || !all {
        return None;
    }
    Some((class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(code: u16, enhanced: Option<(u8, u16, u16)>, text: &str) -> CustomReply {
        CustomReply { code, enhanced, text: text.into() }
    }

    fn decoded(text: &str) -> Result<CustomReply, MilterError> {
        CustomReply::decode(format!("{text}\0").as_bytes())
    }

    #[test]
    fn refusals_of_all_kinds() {
        for (text, expected) in [
            ("550 5.7.1 no", reply(550, Some((5, 7, 1)), "no")),
            ("451 4.7.123 later", reply(451, Some((4, 7, 123)), "later")),
            ("550 no", reply(550, None, "no")),
            ("421", reply(421, None, "")),
            ("550 5.7.1", reply(550, Some((5, 7, 1)), "")),
            ("550 5.7.1000 no", reply(550, None, "5.7.1000 no")),
            ("550 5.7 no", reply(550, None, "5.7 no")),
            ("550 5.7.1 100%% of %s", reply(550, Some((5, 7, 1)), "100% of %s")),
            ("550 caf\u{e9}\u{7}", reply(550, None, "caf???")),
            (
                "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three",
                reply(550, Some((5, 7, 1)), "one\ntwo\nthree"),
            ),
            ("550-5.7.1 one\r\n550 two\r\n", reply(550, Some((5, 7, 1)), "one\ntwo")),
        ] {
            assert_eq!(decoded(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_no_client_can_be_told() {
        let many = "550-x\r\n".repeat(LINES_MAX) + "550 x";
        let long = format!("550 {}", "x".repeat(LINE_MAX + 1));
        for (text, why) in [
            ("", "no 4yz or 5yz"),
            ("250 2.0.0 ok", "no 4yz or 5yz"),
            ("354 go", "no 4yz or 5yz"),
            ("5x0 no", "no 4yz or 5yz"),
            ("+50 no", "no 4yz or 5yz"),
            ("600 no", "no 4yz or 5yz"),
            ("no", "no 4yz or 5yz"),
            ("550no", "no SMTP lines"),
            ("550-no", "no SMTP lines"),
            ("550 a\r\n550 b", "no SMTP lines"),
            ("550 a\n550 b", "CR, LF or NUL in the text"),
            ("550 a\rb", "CR, LF or NUL in the text"),
            ("550 a\0b", "CR, LF or NUL in the text"),
            ("550 4.7.1 no", "an enhanced code of another class"),
            ("450 5.7.1 no", "an enhanced code of another class"),
            ("550-a\r\n551 b", "lines with different codes"),
            ("550-5.7.1 a\r\n550 5.7.2 b", "lines with different enhanced codes"),
            (&many, "too many lines"),
            (&long, "a line is too long"),
        ] {
            assert_eq!(decoded(text), Err(MilterError::ReplyCode(why)), "{text:?}");
        }
        let error = CustomReply::decode(b"550 no");
        assert_eq!(error, Err(MilterError::ReplyCode("no NUL at its end")));
    }

    proptest! {
        #[test]
        fn a_reply_is_safe_to_show(data in "[45][0-9]{2}[ -]([45]\\.[0-9]\\.[0-9] )?\\PC{0,9}(\r\n[45][0-9]{2} \\PC{0,9})?\0") {
            let Ok(reply) = CustomReply::decode(data.as_bytes()) else { return Ok(()) };
            prop_assert!((400..600).contains(&reply.code));
            prop_assert!(reply.text.bytes().all(|octet| matches!(octet, b'\t' | b'\n' | b' '..=b'~')));
            if let Some((class, ..)) = reply.enhanced {
                prop_assert_eq!(u16::from(class), reply.code / 100);
            }
        }

        #[test]
        fn what_libmilter_writes_is_read(
            code in 400..600u16,
            subject in 0..1000u16,
            lines in proptest::collection::vec("[!-~][ -~]{0,12}", 1..5),
        ) {
            let class = u8::try_from(code / 100).unwrap();
            let last = lines.len() - 1;
            let written: Vec<String> = lines.iter().enumerate().map(|(number, line)| {
                let mark = if number == last { ' ' } else { '-' };
                format!("{code}{mark}{class}.{subject}.1 {}", line.replace('%', "%%"))
            }).collect();
            let expected = reply(code, Some((class, subject, 1)), &lines.join("\n"));
            prop_assert_eq!(decoded(&written.join("\r\n")), Ok(expected));
        }
    }
}
