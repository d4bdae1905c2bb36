//! What programs take a file for by its name, and how files that hold messages are cut.

use memchr::memmem;

/// What a file is for a program that goes by one of its names, or by its type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FileKinds {
    pub(super) html: bool,
    pub(super) text: bool,
    /// A message, or several.
    pub(super) message: bool,
}

const HTML: &[&str] = &["html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "svg"];
const TEXT: &[&str] = &["txt", "text", "log", "md", "csv", "ics", "vcf", "xml", "json"];
/// Web archives are messages (RFC 2557).
const MESSAGE: &[&str] = &["eml", "emlx", "nws", "mht", "mhtml", "mbox", "mbx"];

/// A file of these names and this type: everything that one of them makes of it.
pub(super) fn of(names: &[String], media: &str) -> FileKinds {
    let ends = |all: &[&str]| {
        names.iter().any(|name| {
            let odd = |c: char| c.is_whitespace() || "./\\'\"`<>,;".contains(c);
            let (_, last) = name.trim_end_matches(odd).rsplit_once('.').unwrap_or_default();
            all.iter().any(|one| last.eq_ignore_ascii_case(one))
        })
    };
    let of_type = |all: &[&str]| all.iter().any(|end| media.ends_with(end));
    // `text/rfc822-headers`, `message/global-headers`: their Subject is one (RFC 6522 s4).
    FileKinds {
        html: ends(HTML) || of_type(&["+html", "svg+xml"]),
        text: ends(TEXT) || of_type(&["/xml", "+xml", "/json", "+json"]),
        message: ends(MESSAGE) || of_type(&["/mbox", "/x-mimearchive", "-headers"]),
    }
}

/// Types that are read as HTML, or in a way so like it that it makes no difference.
pub(super) fn is_html(media: &str) -> bool {
    matches!(
        media,
        "text/html"
            | "text/x-amp-html"
            | "text/watch-html"
            | "application/xhtml+xml"
            | "text/enriched"
            | "text/richtext"
    )
}

/// Types that are a message. The header of what is elsewhere, too, tells its name and type
/// (RFC 2046 s5.2.3).
pub(super) fn is_message(media: &str) -> bool {
    matches!(media, "message/rfc822" | "message/global" | "message/news" | "message/external-body")
}

/// The messages of a file: one; behind a line with its length, as `.emlx` has it; or several,
/// each behind an empty line and one that begins with `From ` (RFC 4155).
pub(super) fn messages(file: &[u8]) -> Vec<&[u8]> {
    let mut file = file;
    let mut found = Vec::new();
    loop {
        let (line, behind) = super::heading::line_of(file);
        let leads = line.starts_with(b"From ") || line.trim_ascii().iter().all(u8::is_ascii_digit);
        if !leads || line.trim_ascii().is_empty() {
            found.push(file);
            return found;
        }
        let next = memmem::find_iter(behind, b"\nFrom ").find_map(|at| {
            let before = behind.get(..at).unwrap_or_default();
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            before.ends_with(b"\n").then_some(at + 1)
        });
        let several = next.filter(|_| line.starts_with(b"From "));
        let (message, rest) = behind.split_at(several.unwrap_or(behind.len()));
        found.push(message);
        if rest.is_empty() {
            return found;
        }
        file = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_every_name() {
        let names = ["a.html".to_owned(), "b.EML. ".to_owned(), "c".to_owned()];
        let expected = FileKinds { html: true, text: false, message: true };
        assert_eq!(of(&names, "application/octet-stream"), expected);
        assert_eq!(
            of(&[], "application/mbox"),
            FileKinds { message: true, ..FileKinds::default() }
        );
        assert_eq!(of(&[], "application/pdf"), FileKinds::default());
    }

    #[test]
    fn messages_of_a_file() {
        let cases: &[(&[u8], &[&str])] = &[
            (b"A: 1\n\nx", &["A: 1\n\nx"]),
            (b"\nx", &["\nx"]),
            (b"", &[""]),
            (b"123\nA: 1\n\nFrom x", &["A: 1\n\nFrom x"]),
            (b"From a b\nA: 1\n\nx\n\nFrom b c\nB: 2\n", &["A: 1\n\nx\n\n", "B: 2\n"]),
            (
                b"From a\r\nA: 1\r\n\r\nx\r\nFrom b\r\n\r\nFrom c\r\n",
                &["A: 1\r\n\r\nx\r\nFrom b\r\n\r\n", ""],
            ),
        ];
        for (file, expected) in cases {
            let found = messages(file);
            let found: Vec<_> = found.iter().map(|one| std::str::from_utf8(one).unwrap()).collect();
            assert_eq!(&found, expected);
        }
    }
}
