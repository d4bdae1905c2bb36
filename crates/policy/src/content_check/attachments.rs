//! Attachments: names, types, sizes.

use std::borrow::Cow;

use message::Content;
use message::content::{Attachment, percent_decoded};

use crate::pattern::Pattern;
use crate::seen::seen;

/// Which attachments are found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachmentRules {
    /// Those with such a name, any of the names that they have.
    pub names: Vec<Pattern>,
    /// Those of such a type, declared or by their first octets.
    pub types: Vec<Pattern>,
    /// Those that look like a document by their name and are a program: `invoice.pdf.exe`.
    pub double_extensions: bool,
    /// Those of more octets, decoded.
    pub larger_than: Option<u64>,
    /// All of a message, of more octets together.
    pub all_larger_than: Option<u64>,
}

impl AttachmentRules {
    /// What there is, without its name: that is the sender's.
    pub(super) fn find(&self, content: &Content) -> Option<String> {
        let each = content.attachments.iter().find_map(|one| self.find_in(one));
        each.or_else(|| {
            let limit = self.all_larger_than?;
            // What is in an attached message is counted by itself.
            let files = content.attachments.iter();
            let files = files.filter(|one| !one.media.starts_with("message/"));
            let all = files.map(|one| one.size).fold(0, u64::saturating_add);
            (all > limit).then(|| format!("attachments of {all} octets, more than {limit}"))
        })
    }

    /// Whether a name is too long to be looked at as the eye has it.
    pub(super) fn is_too_long(content: &Content) -> bool {
        let mut names = content.attachments.iter().flat_map(|one| &one.names);
        names.any(|name| seen(name).is_none())
    }

    fn find_in(&self, one: &Attachment) -> Option<String> {
        let names = || one.names.iter().flat_map(|name| bare(name));
        if let Some(pattern) =
            self.names.iter().find(|pattern| names().any(|name| pattern.matches(&name)))
        {
            return Some(format!("an attachment with a name as \"{}\"", printable(pattern)));
        }
        if self.double_extensions && (names().any(|name| is_disguised(&name)) || reversed(one)) {
            return Some("an attachment whose name hides what it is".to_owned());
        }
        let types = || std::iter::once(one.media.as_str()).chain(one.sniffed.iter().copied());
        if let Some(kind) =
            types().find(|kind| self.types.iter().any(|pattern| pattern.matches(kind)))
        {
            return Some(format!("an attachment of the type {kind}"));
        }
        let limit = self.larger_than?;
        (one.size > limit)
            .then(|| format!("an attachment of {} octets, more than {limit}", one.size))
    }
}

/// A name as the receiver's system may have it: without a path, without the dots, quotes and
/// white space around it, which some systems drop, and without characters that are not seen.
/// Some end it at a NUL or a colon, some decode `%2E`.
fn bare(name: &str) -> impl Iterator<Item = String> {
    let mut all = vec![Cow::Borrowed(name)];
    all.extend(name.contains('%').then(|| Cow::Owned(unescaped(name))));
    all.into_iter().flat_map(|name| {
        let cut = name.find(['\0', ':']).and_then(|at| name.get(..at)).map(str::to_owned);
        std::iter::once(name.into_owned()).chain(cut).map(|name| {
            let path = name.trim_end_matches(|c: char| c.is_whitespace() || "/\\\"'".contains(c));
            let path = path.rsplit(['/', '\\']).next().unwrap_or(path);
            let name = seen(path).unwrap_or(Cow::Borrowed(path));
            let odd = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '<' | '>');
            name.trim_end_matches(|c: char| odd(c) || matches!(c, '.' | ',' | ';'))
                .trim_start_matches(odd)
                .to_owned()
        })
    })
}

/// With `%XX` as the characters that they are.
fn unescaped(name: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(name.as_bytes())).into_owned()
}

/// Marks of the direction of writing: with them `cod.exe` is shown as `exe.doc`.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn reversed(one: &Attachment) -> bool {
    one.names.iter().any(|name| name.chars().any(is_direction))
}

/// Files that run when they are opened on Windows, or hold such.
const PROGRAMS: &[&str] = &[
    "ace",
    "app",
    "application",
    "appref-ms",
    "appx",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "docm",
    "exe",
    "gadget",
    "hta",
    "img",
    "iso",
    "jar",
    "js",
    "jse",
    "lnk",
    "msc",
    "msi",
    "msp",
    "pif",
    "pptm",
    "ps1",
    "psd1",
    "psm1",
    "reg",
    "scf",
    "scr",
    "sct",
    "url",
    "vb",
    "vbe",
    "vbs",
    "vhd",
    "wsc",
    "wsf",
    "wsh",
    "xlam",
    "xll",
    "xlsb",
    "xlsm",
];

/// What people take for a document or a picture.
const DOCUMENTS: &[&str] = &[
    "avi", "bmp", "csv", "doc", "docx", "eml", "gif", "htm", "html", "jpeg", "jpg", "mov", "mp3",
    "mp4", "msg", "odt", "pdf", "png", "ppt", "pptx", "rtf", "tif", "tiff", "txt", "wav", "xls",
    "xlsx", "xml", "zip",
];

/// `invoice.pdf.exe`, `invoice.pdf         .exe`
fn is_disguised(name: &str) -> bool {
    let is = |word: &str, of: &[&str]| {
        let word = word.trim().trim_end_matches(['_', '-']).trim_end();
        of.iter().any(|one| word.eq_ignore_ascii_case(one))
    };
    let mut words = name.rsplit('.');
    match (words.next(), words.next(), words.next()) {
        (Some(last), Some(before), Some(_)) => is(last, PROGRAMS) && is(before, DOCUMENTS),
        _ => false,
    }
}

fn printable(pattern: &Pattern) -> String {
    pattern.to_string().escape_default().to_string()
}
