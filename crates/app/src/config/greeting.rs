//! The greeting of a listener, put together and held against what a greeting may be.
//!
//! `220 FQDN ESMTP` and the notice. RFC 5321 s4.3.1: the name comes first; `ESMTP` stands on the
//! first line, because old clients decide by it whether to say EHLO. In one line of at most 512
//! octets (s4.5.3.1.5), or in several where the setting asks for it (s4.2.1).

use smtp_wire::{BannerKeywords, NearKeywords, REPLY_LINE_MAX};

use super::choice::NoticeLines;
use super::fault::{Fault, Severity};
use super::file::Listener;
use super::notice::Notice;
use super::section::Maybe;
use super::settings::GreetingSettings;

/// All of a greeting: what a record of it holds. Eight full lines are more than anybody reads.
const GREETING_MAX: usize = 4096;
/// Code, mark and CRLF.
const AROUND: usize = "220 \r\n".len();
/// A version is a label.
const VERSION_MAX: usize = 100;

/// The greeting of one listener; faults where it cannot be.
pub(crate) fn settle(
    listener: &Listener,
    hostname: Option<&str>,
    faults: &mut Vec<Fault>,
) -> GreetingSettings {
    let notice = listener.notice.get();
    let version = version(listener, notice, faults);
    let words = notice.map(Notice::words).unwrap_or_default();
    let name = hostname.unwrap_or("?");
    let whole = match words.is_empty() {
        true => format!("{name} ESMTP"),
        false => format!("{name} ESMTP {words}"),
    };
    if let Some(notice) = notice {
        near_keywords(notice, faults);
    }
    let length = AROUND + whole.len();
    let lines = match (notice, listener.notice_lines.value) {
        (Some(notice), NoticeLines::One) if length > REPLY_LINE_MAX => {
            faults.push(too_long(notice, length, whole.len() - words.len()));
            vec![whole]
        }
        (Some(notice), NoticeLines::Wrap) if length > REPLY_LINE_MAX => {
            wrapped(notice, &whole, faults)
        }
        _ => vec![whole],
    };
    GreetingSettings { text: encoded(&lines), version, has_notice: !words.is_empty() }
}

fn version(
    listener: &Listener,
    notice: Option<&Notice>,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let Some(said) = listener.notice_version.said() else {
        let ready = notice.map(|notice| notice.ready.as_slice()).unwrap_or_default();
        let versions: Vec<_> = ready.iter().map(|ready| ready.version()).collect();
        return Some(versions.join(" ")).filter(|version| !version.is_empty());
    };
    if matches!(listener.notice, Maybe::Absent) {
        let message = "`notice_version` has no meaning without `notice`";
        faults.push(Fault::maybe_at(said.span(), message));
    }
    let text = &said.value.0;
    if text.len() > VERSION_MAX || text.chars().any(char::is_control) {
        let message = format!("a version has at most {VERSION_MAX} characters, on one line");
        faults.push(Fault::maybe_at(said.span(), message).help("for example \"2026-03\""));
    }
    Some(text.clone())
}

fn too_long(notice: &Notice, length: usize, before: usize) -> Fault {
    Fault::at(notice.span.clone(), format!("the greeting would have {length} octets"))
        .label(format!("{} too many", length - REPLY_LINE_MAX))
        .help(format!(
            "a reply line has at most 512 octets (RFC 5321 s4.5.3.1.5); here is room for {}",
            REPLY_LINE_MAX.saturating_sub(AROUND + before)
        ))
        .help("in several lines: notice_lines = \"wrap\"")
}

/// Lines as long as they may be, parted at words.
fn wrapped(notice: &Notice, whole: &str, faults: &mut Vec<Fault>) -> Vec<String> {
    let room = REPLY_LINE_MAX - AROUND;
    let mut lines: Vec<String> = Vec::new();
    for words in units(whole) {
        if words.len() > room {
            let begin: String = words.chars().take(20).collect();
            let message = format!("the word `{begin}...` has {} octets", words.len());
            faults.push(
                Fault::at(notice.span.clone(), message)
                    .label(format!("a line of a greeting has room for {room}"))
                    .help("part it by spaces; lines are parted nowhere else"),
            );
        }
        match lines.last_mut() {
            Some(line) if line.len() + 1 + words.len() <= room => {
                line.push(' ');
                line.push_str(&words);
            }
            _ => lines.push(words),
        }
    }
    let length: usize = lines.iter().map(|line| AROUND + line.len()).sum();
    if length > GREETING_MAX {
        faults.push(
            Fault::at(notice.span.clone(), format!("the greeting would have {length} octets"))
                .label(format!("{} too many", length - GREETING_MAX))
                .help(format!(
                    "at most {GREETING_MAX}; say more on a page, and name that page here"
                )),
        );
    }
    lines
}

/// Words; host name and ESMTP stay together, and a `NO` with what it is about.
fn units(whole: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for (place, word) in whole.split(' ').filter(|word| !word.is_empty()).enumerate() {
        let before = units.last_mut();
        match before {
            Some(before) if place == 1 || (before == "NO" && matches!(word, "UCE" | "UBE")) => {
                before.push(' ');
                before.push_str(word);
            }
            _ => units.push(word.to_owned()),
        }
    }
    units
}

/// A text that was meant for the keywords of 1998, and is none to those who look for them.
fn near_keywords(notice: &Notice, faults: &mut Vec<Fault>) {
    let Some(own) = &notice.text else { return };
    let whole = notice.words();
    for near in BannerKeywords::near(&whole) {
        let (message, help) = match near {
            NearKeywords::Spelling => (
                "this looks like the keyword NO UCE or NO UBE, and is not read as one",
                "as keywords: NO UCE C=US L=CA, in upper case, each a word of its own; or ready = \"no-uce\"",
            ),
            NearKeywords::NoCountry => (
                "NO UCE or NO UBE without the country whose law applies",
                "behind it: C=US, or another country; or ready = \"no-uce\"",
            ),
            NearKeywords::NoLocality => (
                "NO UCE or NO UBE without the state or locality whose law applies",
                "behind it: L=CA, or another one; or ready = \"no-uce\"",
            ),
        };
        faults.push(Fault::at(own.span.clone(), message).severity(Severity::Warning).help(help));
    }
}

/// As it is on the wire.
fn encoded(lines: &[String]) -> String {
    let last = lines.len().saturating_sub(1);
    let line = |(place, line): (usize, &String)| {
        format!("220{}{line}\r\n", if place == last { ' ' } else { '-' })
    };
    lines.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::{Severity, Surroundings, load_text};

    /// The greeting of a listener with these keys, and what is told.
    fn greeting(keys: &str) -> (Option<String>, Option<String>, Vec<(Severity, String)>) {
        let text = format!(
            "[server]\nhostname = \"mail.example.com\"\n[smarthost]\naddress = \"relay.example:25\"\n[[listener]]\n{keys}\n"
        );
        let loaded = load_text("optgate.toml".as_ref(), &text, &Surroundings::default());
        let told = loaded.report.lines().into_iter().map(|l| (l.severity, l.message)).collect();
        let found = loaded.settings.map(|s| s.listeners[0].greeting.clone());
        let version = found.as_ref().and_then(|found| found.version.clone());
        (found.map(|found| found.text), version, told)
    }

    #[test]
    fn name_esmtp_and_notice_on_one_line() {
        let (text, version, told) = greeting("");
        assert_eq!(text.unwrap(), "220 mail.example.com ESMTP\r\n");
        assert_eq!((version, told.len()), (None, 0));
        let (text, version, _) = greeting("notice = \"Be kind.\"\nnotice_version = \"2026-1\"");
        assert_eq!(text.unwrap(), "220 mail.example.com ESMTP Be kind.\r\n");
        assert_eq!(version.unwrap(), "2026-1");
        // What fits is not wrapped.
        let (text, ..) = greeting("notice = \"Be kind.\"\nnotice_lines = \"wrap\"");
        assert_eq!(text.unwrap(), "220 mail.example.com ESMTP Be kind.\r\n");
    }

    #[test]
    fn ready_texts_say_what_they_are_for() {
        let (text, version, told) = greeting(
            "notice = { ready = \"california-17538.45\", provider = \"Example Corp\", policy = \"https://example.com/mail\" }",
        );
        let text = text.unwrap();
        for words in [
            "220 mail.example.com ESMTP It is the policy of Example Corp (https://example.com/mail) ",
            "unsolicited electronic mail advertisements",
            "located in California",
            "17538.45",
        ] {
            assert!(text.contains(words), "{text}");
        }
        assert!(text.len() <= 512 && told.is_empty(), "{told:?}");
        assert_eq!(version.unwrap(), "california-17538.45/1");
        let (text, version, _) =
            greeting("notice = { ready = \"no-uce\", country = \"US\", state = \"CA\" }");
        let text = text.unwrap();
        assert_eq!(text, "220 mail.example.com ESMTP NO UCE C=US L=CA\r\n");
        assert_eq!(version.unwrap(), "no-uce/1");
        let read = smtp_wire::BannerKeywords::read(&text["220 ".len()..]);
        assert!(read.no_uce && read.country.as_deref() == Some("US"));
    }

    #[test]
    fn a_long_notice_is_wrapped_at_words_where_that_is_wanted() {
        let long = "word ".repeat(300);
        let (none, _, told) = greeting(&format!("notice = \"{long}\""));
        assert!(none.is_none() && told[0].1.contains("1529 octets"), "{told:?}");
        let (text, ..) = greeting(&format!("notice = \"{long}\"\nnotice_lines = \"wrap\""));
        let text = text.unwrap();
        let lines: Vec<&str> = text.split_inclusive("\r\n").collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("220-mail.example.com ESMTP word "), "{text}");
        assert!(lines.iter().all(|line| line.len() <= 512), "{text}");
        assert!(lines[..3].iter().all(|line| line.starts_with("220-") && line.len() > 500));
        assert!(lines[3].starts_with("220 word"), "{text}");
        let words = text.split(|c: char| !c.is_ascii_lowercase()).filter(|w| *w == "word").count();
        assert_eq!(words, 300, "none is lost or cut");
        // Limits: a word of its own line, at and over.
        for (length, fits) in [(506, true), (507, false)] {
            let keys = format!("notice = \"{}\"\nnotice_lines = \"wrap\"", "x".repeat(length));
            assert_eq!(greeting(&keys).0.is_some(), fits, "{length}");
        }
        let keys = format!("notice = \"{}\"\nnotice_lines = \"wrap\"", "word ".repeat(900));
        assert!(greeting(&keys).2[0].1.contains("octets"));
        // A keyword is not torn apart where another reader takes each line by itself.
        let fill = "x".repeat(506 - "mail.example.com ESMTP  NO".len());
        let keys = format!("notice = \"{fill} NO UCE C=US L=CA\"\nnotice_lines = \"wrap\"");
        assert!(greeting(&keys).0.unwrap().contains("\r\n220 NO UCE C=US L=CA\r\n"));
    }

    #[test]
    fn what_only_looks_like_the_keywords_is_a_warning() {
        for (keys, count) in [
            ("notice = \"no uce\"", 1),
            ("notice = \"NO UCE\"", 2),
            ("notice = \"NO UBE C=US\"", 1),
            ("notice = \"NO UCE C=US L=CA\"", 0),
            ("notice = \"No unsolicited mail.\"", 0),
            (
                "notice = { ready = \"no-uce\", country = \"US\", state = \"CA\", text = \"no uce\" }",
                0,
            ),
        ] {
            let (text, _, told) = greeting(keys);
            assert!(text.is_some() && told.len() == count, "{keys}: {told:?}");
            assert!(told.iter().all(|(severity, _)| *severity == Severity::Warning), "{told:?}");
        }
    }

    #[test]
    fn a_version_belongs_to_a_notice() {
        assert!(greeting("notice_version = \"1\"").2[0].1.contains("no meaning without `notice`"));
        let keys = format!("notice = \"x\"\nnotice_version = \"{}\"", "1".repeat(101));
        assert!(greeting(&keys).2[0].1.contains("at most 100"));
    }
}
