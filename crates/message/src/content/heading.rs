//! The header of a part: what its body is, how it is encoded, what it is called.

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::names;
use super::problem::Problem;
use super::transfer::Transfer;
use super::unstructured::{unfolded, unstructured};

/// What the header of a part says.
#[derive(Debug, Default)]
pub(super) struct Heading {
    /// Every Subject there is, decoded.
    pub(super) subjects: Vec<String>,
    /// The type, if one is said that can be read.
    pub(super) kind: Option<Kind>,
    /// `Content-Disposition: attachment`.
    pub(super) attached: bool,
    /// The names it has for a file, decoded: of the disposition and of the type.
    pub(super) names: Vec<String>,
    /// The word of Content-Transfer-Encoding.
    pub(super) encoding: Option<String>,
    /// Its Content-ID, without `<` and `>`.
    pub(super) id: Option<String>,
}

/// A Content-Type.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    /// `type/subtype`, in lower case, printable.
    pub(super) media: String,
    pub(super) boundary: Option<String>,
    pub(super) charset: Option<String>,
    /// `format=flowed`, and whether `delsp=yes` (RFC 3676).
    pub(super) flowed: Option<bool>,
    /// Content-ID of the part that is the document (RFC 2387 s3.2).
    pub(super) start: Option<String>,
}

impl Heading {
    pub(super) fn transfer(&self) -> Transfer {
        Transfer::of(self.encoding.as_deref())
    }
}

/// Cuts a header off its body and reads it. RFC 5322 s2.1: the first empty line is the end.
pub(super) fn read<'a>(part: &'a [u8], problems: &mut Vec<Problem>) -> (Heading, &'a [u8]) {
    let mut heading = Heading::default();
    let mut seen = Seen::default();
    let mut rest = part;
    while !rest.is_empty() {
        let (line, behind) = line_of(rest);
        if line.is_empty() {
            return (heading, behind);
        }
        // The field with the lines it goes on in.
        let mut after = behind;
        while matches!(after, [b' ' | b'\t', ..]) {
            let (more, behind) = line_of(after);
            // For some programs that is the end of the header.
            if more.trim_ascii().is_empty() {
                problems.push(Problem::BrokenHeader);
            }
            after = behind;
        }
        let field = rest.get(..rest.len() - after.len()).unwrap_or_default();
        rest = after;
        // Where a line ends for some programs only, there may be another field.
        if memchr::memchr_iter(b'\r', field).any(|at| field.get(at + 1) != Some(&b'\n')) {
            problems.push(Problem::BrokenHeader);
        }
        match memchr::memchr(b':', line) {
            Some(colon) if line.iter().take(colon).all(u8::is_ascii_graphic) && colon > 0 => {
                let (name, value) = field.split_at(colon);
                heading.take(name, value.get(1..).unwrap_or_default(), &mut seen, problems);
            }
            // `Content-Type : text/html` too: not all programs see a field there.
            _ => problems.push(Problem::BrokenHeader),
        }
    }
    (heading, b"")
}

/// A line without its ending, and what is behind it.
pub(super) fn line_of(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
    let (line, rest) = bytes.split_at(end);
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

#[derive(Default)]
struct Seen {
    kind: bool,
    disposition: bool,
    encoding: bool,
}

impl Heading {
    fn take(&mut self, name: &[u8], value: &[u8], seen: &mut Seen, problems: &mut Vec<Problem>) {
        let mut once = |seen: &mut bool, what| {
            if std::mem::replace(seen, true) {
                problems.push(Problem::Twice(what));
            }
        };
        if name.eq_ignore_ascii_case(b"subject") {
            self.subjects.extend(unstructured(value));
        } else if name.eq_ignore_ascii_case(b"content-type") {
            once(&mut seen.kind, "Content-Type");
            if let Some(kind) = structured(value) {
                self.named(&kind);
                if attributes(&kind, "boundary") > 1 {
                    problems.push(Problem::Twice("boundary"));
                }
                if attributes(&kind, "charset") > 1 {
                    problems.push(Problem::Twice("charset"));
                }
                self.kind = Some(kind_of(&kind));
            }
            self.guessed(value);
        } else if name.eq_ignore_ascii_case(b"content-disposition") {
            once(&mut seen.disposition, "Content-Disposition");
            if let Some(disposition) = structured(value) {
                self.attached |= disposition.ctype().eq_ignore_ascii_case("attachment");
                self.named(&disposition);
            }
            self.guessed(value);
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            once(&mut seen.encoding, "Content-Transfer-Encoding");
            let word = unfolded(value);
            if !Transfer::is_plain(&word) {
                problems.push(Problem::UnknownEncoding);
            }
            self.encoding = Some(word);
        } else if name.eq_ignore_ascii_case(b"content-name") {
            self.names.extend(unstructured(value));
        } else if name.eq_ignore_ascii_case(b"content-id") {
            self.id = Some(bare_id(&unfolded(value)));
        }
        // There may be more that are not looked at.
        if self.names.len() >= names::NAMES_MAX {
            problems.push(Problem::Twice("the name of a file"));
        }
    }
}

impl Heading {
    fn named(&mut self, field: &ContentType<'_>) {
        let all = field.attributes().unwrap_or_default().iter();
        let is_name = |word: &str| NAME_WORDS.iter().any(|name| word.eq_ignore_ascii_case(name));
        let names = all.filter(|one| is_name(&one.name));
        self.names.extend(names.map(|one| one.value.clone().into_owned()));
    }

    fn guessed(&mut self, value: &[u8]) {
        for guess in NAME_WORDS.iter().flat_map(|name| names::read(value, name)) {
            if !self.names.contains(&guess) {
                self.names.push(guess);
            }
        }
    }
}

/// Of a type, and of a disposition; some programs take either in either field.
const NAME_WORDS: [&str; 2] = ["name", "filename"];

fn attributes(of: &ContentType<'_>, name: &str) -> usize {
    let all = of.attributes().unwrap_or_default().iter();
    all.filter(|one| one.name.eq_ignore_ascii_case(name)).count()
}

fn kind_of(kind: &ContentType<'_>) -> Kind {
    let plain = |word: &str| -> String {
        let token = |c: &char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(*c);
        word.chars().filter(token).take(64).collect::<String>().to_ascii_lowercase()
    };
    let word = |name: &str| kind.attribute(name).map(str::to_owned);
    let is = |name: &str, value: &str| {
        kind.attribute(name).is_some_and(|said| said.trim().eq_ignore_ascii_case(value))
    };
    Kind {
        media: format!("{}/{}", plain(kind.ctype()), plain(kind.subtype().unwrap_or_default())),
        boundary: word("boundary"),
        charset: word("charset"),
        flowed: is("format", "flowed").then(|| is("delsp", "yes")),
        start: word("start").map(|start| bare_id(&start)),
    }
}

fn structured(value: &[u8]) -> Option<ContentType<'static>> {
    let value = ended(value);
    match MessageStream::new(&value).parse_content_type().into_owned() {
        HeaderValue::ContentType(kind) => Some(kind),
        _ => None,
    }
}

/// `msg-id = "<" id-left "@" id-right ">"`, without the marks around it.
fn bare_id(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').trim().to_owned()
}

/// The parser takes the end of its input for nothing unless a line ends there.
fn ended(value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if !value.ends_with(b"\n") {
        value.push(b'\n');
    }
    value
}
