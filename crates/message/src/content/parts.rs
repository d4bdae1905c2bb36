//! The parts of a message (RFC 2046), from the outside to the inside.

use super::found::{Attachment, Content, Shown, Text, TextKind};
use super::heading::{self, Heading, Kind, line_of};
use super::limits::{DECODED_LEAST, DECODED_MAX, DECODED_TIMES, DEPTH_MAX, PARTS_MAX};
use super::problem::Problem;
use super::transfer::Transfer;
use super::{charset, file_kinds, flowed, html, sniff, uuencode};

pub(super) fn read(message: &[u8]) -> Content {
    let most = message.len().saturating_mul(DECODED_TIMES).saturating_add(DECODED_LEAST);
    read_within(message, most.min(DECODED_MAX))
}

/// Decodes no more than so many octets.
pub(super) fn read_within(message: &[u8], left: usize) -> Content {
    let content = Content::default();
    let mut reading =
        Reading { content, parts: 0, left, work: html::WORK_MAX, subjects: true, chosen: false };
    let shown = reading.part(message, "text/plain", 0);
    let Reading { mut content, .. } = reading;
    content.shown = shown;
    content.problems.sort_unstable();
    content.problems.dedup();
    content
}

struct Reading {
    content: Content,
    parts: usize,
    /// Octets that may still be decoded.
    left: usize,
    /// Steps that reading HTML may still take beyond its own length.
    work: usize,
    /// The next header is that of the message itself.
    subjects: bool,
    /// What comes next is one of several ways to read the message, or the document of one.
    chosen: bool,
}

impl Reading {
    /// Reads one part, header and body. `default` is its type where it says none.
    fn part(&mut self, part: &[u8], default: &str, depth: usize) -> Shown {
        self.parts += 1;
        let problem = match () {
            () if depth > DEPTH_MAX => Some(Problem::TooDeep),
            () if self.parts > PARTS_MAX => Some(Problem::TooManyParts),
            () => None,
        };
        if let Some(problem) = problem {
            self.content.problems.push(problem);
            return Shown::Nothing;
        }
        let (mut heading, body) = heading::read(part, &mut self.content.problems);
        if std::mem::take(&mut self.subjects) {
            self.content.subjects = std::mem::take(&mut heading.subjects);
        }
        self.content.inner_subjects.append(&mut heading.subjects);
        // RFC 2045 s5.2: what cannot be read is plain text. Not every program thinks so.
        if heading.kind.as_ref().is_some_and(|kind| kind.media.ends_with('/')) {
            self.content.problems.push(Problem::UnknownType);
        }
        let kind = heading.kind.take().filter(|kind| !kind.media.ends_with('/'));
        let kind = kind.unwrap_or_else(|| Kind {
            media: default.to_owned(),
            boundary: None,
            charset: None,
            flowed: None,
            start: None,
        });
        let shown = match kind.media.split_once('/').unwrap_or_default() {
            ("multipart", subtype) => {
                return self.multipart(&heading, &kind, subtype, body, depth);
            }
            // The header of what is elsewhere tells its name and type (RFC 2046 s5.2.3).
            ("message", _) if file_kinds::is_message(&kind.media) => {
                self.message(&heading, &kind, body, depth)
            }
            ("message", "partial") => {
                self.content.problems.push(Problem::Piece);
                self.file(&heading, &kind, body)
            }
            ("text", _) | ("application", "xhtml+xml") => self.text(&heading, &kind, body),
            ("application", "pkcs7-mime" | "x-pkcs7-mime" | "ms-tnef" | "vnd.ms-tnef") => {
                self.content.problems.push(Problem::Sealed);
                self.file(&heading, &kind, body)
            }
            // A report of a delivery, and the like.
            ("message", _) => {
                self.file(&heading, &kind, body);
                self.hidden_text(&heading, &kind, body)
            }
            // Types nobody knows are shown as text by some.
            (group, _) if is_unknown(group) => {
                self.file(&heading, &kind, body);
                self.hidden_text(&heading, &kind, body)
            }
            _ => self.file(&heading, &kind, body),
        };
        self.named_otherwise(&heading, &kind, body, depth);
        shown
    }

    /// Some programs go by the name of a file, whatever its type is said to be; by which of its
    /// names, they differ.
    fn named_otherwise(&mut self, heading: &Heading, kind: &Kind, body: &[u8], depth: usize) {
        let named = file_kinds::of(&heading.names, &kind.media);
        let as_type = |media: &str| Kind { media: media.to_owned(), ..kind.clone() };
        let group = kind.media.split('/').next().unwrap_or_default();
        if named.html && !file_kinds::is_html(&kind.media) {
            self.hidden_text(heading, &as_type("text/html"), body);
        }
        if named.text && !matches!(group, "text" | "message") && !is_unknown(group) {
            self.hidden_text(heading, &as_type("text/x-file"), body);
        }
        if named.message && !file_kinds::is_message(&kind.media) {
            let Some(octets) = self.decoded(heading.transfer(), body) else { return };
            let outside = std::mem::take(&mut self.chosen);
            for message in file_kinds::messages(&octets) {
                self.part(message, "text/plain", depth + 1);
                if self.parts > PARTS_MAX {
                    break;
                }
            }
            self.chosen = outside;
        }
    }

    /// A text that may be looked at, but is not shown when the message is opened.
    fn hidden_text(&mut self, heading: &Heading, kind: &Kind, body: &[u8]) -> Shown {
        if let Some(octets) = self.decoded(heading.transfer(), body) {
            self.text_of(kind, octets);
        }
        Shown::Nothing
    }

    fn multipart(
        &mut self,
        heading: &Heading,
        kind: &Kind,
        subtype: &str,
        body: &[u8],
        depth: usize,
    ) -> Shown {
        // RFC 2045 s6.4: no encoding of the whole. That of quoted-printable changes no boundary,
        // and nobody undoes it; some mailers write it there.
        if matches!(heading.transfer(), Transfer::Base64 | Transfer::Unknown) {
            self.content.problems.push(Problem::BrokenEncoding("multipart"));
        }
        if subtype == "encrypted" {
            self.content.problems.push(Problem::Sealed);
        }
        let boundary = kind.boundary.as_deref().filter(|boundary| !boundary.is_empty());
        let parts = boundary.map(|boundary| split(body, boundary.as_bytes()));
        let Some(parts) = parts.filter(|parts| !parts.bodies.is_empty()) else {
            // Some programs show it as it stands.
            self.content.problems.push(Problem::NoBoundary);
            let plain = Kind { media: "text/plain".into(), boundary: None, ..kind.clone() };
            return self.text(heading, &plain, body);
        };
        if parts.odd {
            self.content.problems.push(Problem::OddBoundary);
        }
        let default = if subtype == "digest" { "message/rfc822" } else { "text/plain" };
        let mut shown = Vec::new();
        // RFC 2387 s3.2. Not all programs heed it.
        let start = kind.start.as_deref().filter(|_| subtype == "related").and_then(|start| {
            let named = |part: &&[u8]| {
                heading::read(part, &mut Vec::new()).0.id.is_some_and(|id| id == start)
            };
            parts.bodies.iter().position(named)
        });
        let chosen = subtype == "alternative" || self.chosen && subtype == "related";
        let outside = std::mem::replace(&mut self.chosen, chosen);
        for body in parts.bodies {
            shown.push(self.part(body, default, depth + 1));
            if self.parts > PARTS_MAX {
                break;
            }
        }
        self.chosen = outside;
        match subtype {
            // Parts without a text, as a calendar, are no other way to read it.
            "alternative" => {
                shown.retain(|one| *one != Shown::Nothing);
                match (shown.pop(), shown.is_empty()) {
                    (None, _) => Shown::Nothing,
                    (Some(only), true) => only,
                    (Some(last), false) => {
                        shown.push(last);
                        Shown::OneOf(shown)
                    }
                }
            }
            // The first is the document, the others are what it is made of (RFC 2387).
            "related" => {
                let document = start.filter(|at| *at > 0).and_then(|at| shown.get(at).cloned());
                let first = shown.into_iter().next().unwrap_or_default();
                match document {
                    Some(document) => Shown::OneOf(vec![first, document]),
                    None => first,
                }
            }
            _ => {
                shown.retain(|one| *one != Shown::Nothing);
                Shown::All(shown)
            }
        }
    }

    /// A message within the message: what it says is not what this one says.
    fn message(&mut self, heading: &Heading, kind: &Kind, body: &[u8], depth: usize) -> Shown {
        self.file(heading, kind, body);
        let outside = std::mem::take(&mut self.chosen);
        match heading.transfer() {
            Transfer::Identity => self.part(body, "text/plain", depth + 1),
            // RFC 2046 s5.2.1 forbids it, and programs read it.
            transfer => match self.decoded(transfer, body) {
                Some(decoded) => self.part(&decoded, "text/plain", depth + 1),
                None => Shown::Nothing,
            },
        };
        self.chosen = outside;
        Shown::Nothing
    }

    fn text(&mut self, heading: &Heading, kind: &Kind, body: &[u8]) -> Shown {
        let Some(octets) = self.decoded(heading.transfer(), body) else { return Shown::Nothing };
        let named = !heading.names.is_empty();
        if heading.attached || named {
            self.attach(heading, kind, &octets);
        }
        let (text_kind, mut shown) = self.text_of(kind, octets);
        // What is attached as a file may be shown, and may be not; one of several ways to read
        // a message is for most programs that in any case.
        match text_kind {
            TextKind::Plain | TextKind::Html if !heading.attached || self.chosen => {
                match shown.pop() {
                    Some(only) if shown.is_empty() => only,
                    last => Shown::OneOf(shown.into_iter().chain(last).collect()),
                }
            }
            _ => Shown::Nothing,
        }
    }

    /// Reads a text, decoded, in each way in which programs do.
    fn text_of(&mut self, kind: &Kind, octets: Vec<u8>) -> (TextKind, Vec<Shown>) {
        let text_kind = match kind.media.as_str() {
            media if file_kinds::is_html(media) => TextKind::Html,
            "text/plain" => TextKind::Plain,
            _ => TextKind::Other,
        };
        let mut charsets = match (kind.charset.clone(), text_kind) {
            (None, TextKind::Html) => charset::of_html(&octets),
            (charset, _) => vec![charset],
        };
        if sniff::is_sealed(&octets) {
            self.content.problems.push(Problem::Sealed);
        }
        // RFC 5545 s3.1, RFC 6350 s3.2: lines of calendars and cards go on behind a blank.
        let joined = (text_kind == TextKind::Other)
            .then(|| flowed::unfolded(&octets))
            .flatten()
            .map(|joined| charset::text(joined, kind.charset.as_deref(), &mut Vec::new()));
        let own = charsets.pop().flatten();
        let mut readings = Vec::new();
        for other in charsets {
            let octets = octets.clone();
            readings.extend(charset::readings(
                octets,
                other.as_deref(),
                &mut self.content.problems,
            ));
        }
        readings.extend(charset::readings(octets, own.as_deref(), &mut self.content.problems));
        readings.dedup();
        let mut shown = Vec::new();
        for text in readings {
            // Not all programs know RFC 3676, and they show the space as one.
            let as_it_stands = (kind.flowed == Some(true)).then(|| text.clone());
            for (text, flowed) in [(Some(text), kind.flowed), (as_it_stands, None)] {
                let Some(text) = text else { continue };
                if !shown.is_empty() && !self.may_decode(text.len()) {
                    return (text_kind, shown);
                }
                let kind = &Kind { flowed, ..kind.clone() };
                self.read_text(kind, text_kind, text, joined.as_deref());
                shown.push(Shown::Text(self.content.texts.len() - 1));
            }
        }
        (text_kind, shown)
    }

    fn read_text(&mut self, kind: &Kind, text_kind: TextKind, text: String, joined: Option<&str>) {
        let (problems, work) = (&mut self.content.problems, &mut self.work);
        let media = kind.media.clone();
        let text = match text_kind {
            TextKind::Html => html::read(&text, media, problems, work),
            TextKind::Plain | TextKind::Other => {
                self.content.attachments.extend(uuencode::files(&text));
                // A program that knows better may take it for HTML.
                let marked = text_kind == TextKind::Other && text.contains('<');
                let whole = marked
                    .then(|| html::read(&text, media.clone(), problems, work))
                    .map(|html| html.whole.unwrap_or(html.visible));
                let whole = match (whole, joined) {
                    (Some(whole), Some(joined)) => Some(whole + "\n" + joined),
                    (whole, joined) => whole.or(joined.map(str::to_owned)),
                };
                let visible = match kind.flowed {
                    Some(delete_space) => flowed::joined(&text, delete_space),
                    None => text,
                };
                Text { kind: text_kind, media, visible, whole, links: Vec::new() }
            }
        };
        self.content.texts.push(text);
    }

    fn file(&mut self, heading: &Heading, kind: &Kind, body: &[u8]) -> Shown {
        if let Some(octets) = self.decoded(heading.transfer(), body) {
            self.attach(heading, kind, &octets);
        }
        Shown::Nothing
    }

    fn attach(&mut self, heading: &Heading, kind: &Kind, octets: &[u8]) {
        if sniff::is_sealed(octets) || heading.names.iter().any(|name| sniff::names_sealed(name)) {
            self.content.problems.push(Problem::Sealed);
        }
        self.content.attachments.push(Attachment {
            names: heading.names.clone(),
            media: kind.media.clone(),
            sniffed: sniff::sniffed(octets),
            size: u64::try_from(octets.len()).unwrap_or(u64::MAX),
            inline: !heading.attached,
        });
    }

    fn decoded(&mut self, transfer: Transfer, body: &[u8]) -> Option<Vec<u8>> {
        // No encoding makes it longer.
        self.may_decode(body.len()).then(|| transfer.decode(body, &mut self.content.problems))
    }

    /// Whether so many octets more may be decoded. When they may not, that is told.
    fn may_decode(&mut self, octets: usize) -> bool {
        let left = self.left.checked_sub(octets);
        if left.is_none() {
            self.content.problems.push(Problem::TooLarge);
        }
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

/// A type that no program knows by its first word.
fn is_unknown(group: &str) -> bool {
    !matches!(
        group,
        "application"
            | "image"
            | "audio"
            | "video"
            | "font"
            | "model"
            | "chemical"
            | "text"
            | "message"
            | "multipart"
    )
}

struct Parts<'a> {
    bodies: Vec<&'a [u8]>,
    /// There are lines that some programs take for a boundary and some not.
    odd: bool,
}

/// `dash-boundary := "--" boundary`, at the beginning of a line, white space behind it; with
/// another `--` it is the last. RFC 2046 s5.1.1 wants a line that merely begins with it to be
/// one as well; most programs want it whole.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Parts<'a> {
    // White space at its end would be lost on the way (RFC 2046 s5.1.1).
    let boundary = boundary.trim_ascii_end();
    let mut parts = Parts { bodies: Vec::new(), odd: boundary.is_empty() };
    let behind_return = [b"\r--", boundary].concat();
    let (mut begun, mut over): (Option<usize>, bool) = (None, false);
    let mut at = 0;
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let (line, behind) = line_of(rest);
        let next = body.len() - behind.len();
        if let Some(tail) = line.strip_prefix(b"--").and_then(|l| l.strip_prefix(boundary)) {
            let white = |tail: &[u8]| tail.trim_ascii().is_empty();
            let last = tail.strip_prefix(b"--").is_some_and(white);
            if white(tail) || last {
                if let Some(from) = begun.take() {
                    parts.bodies.extend(body.get(from..before(body, at)));
                }
                parts.odd |= over;
                over = last;
                begun = (!last).then_some(next);
            } else {
                parts.odd = true;
            }
        } else if memchr::memmem::find(line, &behind_return).is_some() {
            parts.odd = true;
        }
        at = next;
    }
    if let Some(from) = begun {
        parts.bodies.extend(body.get(from..));
    }
    parts
}

/// The end of what is before a boundary: the line ending in front of it belongs to it.
fn before(body: &[u8], boundary: usize) -> usize {
    let text = body.get(..boundary).unwrap_or_default();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text).len()
}
