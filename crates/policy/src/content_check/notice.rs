//! A notice of how to opt out, with something that works (15 U.S.C. 7704(a)(5)(A)(ii), (3)(A)).
//!
//! A word alone is no notice: near it must be a link, an address, or the word that an answer is
//! enough. A word that is itself a link counts by its own target only, so that
//! `<a href="#">Unsubscribe</a>` beside other links is found.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::LazyLock;

use message::content::{Text, TextKind};

use super::folded::Folded;
use super::notice_words::{OPT_OUT, REPLY};

static BUILT_IN: LazyLock<Vec<String>> = LazyLock::new(|| folded(OPT_OUT));
static ANSWERS: LazyLock<Vec<String>> = LazyLock::new(|| folded(REPLY));

fn folded(words: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = words.iter().map(|word| Folded::of(word).text).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Places of one text that are looked at, each with what is around it.
const PLACES_MAX: usize = 200;

/// Octets at the beginning and at the end of a text in which a notice is looked for. Nobody
/// reads as far as the middle of a longer one.
const ENDS: usize = 1 << 20;

/// Octets around a word that are near it, in a line that goes on.
const NEAR: usize = 4_000;

/// The words of a notice: those of many languages that are known here, and own ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeWords {
    own: Vec<String>,
}

impl NoticeWords {
    /// With own words besides. Nothing, if one of them has no letter or digit.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let own: Vec<String> = own.into_iter().map(|word| Folded::of(word).text).collect();
        own.iter().all(|word| !word.is_empty()).then_some(Self { own })
    }

    /// Whether a text has such a notice.
    pub(super) fn notice_in(&self, text: &Text) -> bool {
        let lines = Lines::of(&text.visible);
        let mut places = Vec::new();
        for (start, end) in lines.paragraphs(text.kind) {
            for range in at_ends(&text.visible, start..end) {
                let Some(paragraph) = text.visible.get(range.clone()) else { continue };
                let folded = Folded::of(paragraph);
                for word in BUILT_IN.iter().chain(&self.own) {
                    let found = folded.find(word, false).take(PLACES_MAX);
                    places.extend(found.map(|at| range.start + at));
                }
            }
        }
        // A notice is nearly always at the end.
        places.sort_unstable();
        places.dedup();
        places.iter().rev().take(PLACES_MAX).any(|place| works(text, &lines, *place))
    }
}

/// What of a range is near the beginning or the end of a text.
fn at_ends(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let (first, last) = match text.len().checked_sub(2 * ENDS) {
        Some(between) => {
            let behind = boundary(text, ENDS + between);
            (0..boundary(text, ENDS), behind..text.len())
        }
        None => (0..text.len(), text.len()..text.len()),
    };
    let within = move |end: Range<usize>| {
        let both = range.start.max(end.start)..range.end.min(end.end);
        (both.start < both.end).then_some(both)
    };
    [first, last].into_iter().filter_map(within)
}

/// The boundary of a character at a place, or the last one before it.
fn boundary(text: &str, place: usize) -> usize {
    let place = place.min(text.len());
    (0..=place).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// What of a range is near a place.
fn around(text: &str, range: Range<usize>, place: usize) -> Range<usize> {
    let start = boundary(text, place.saturating_sub(NEAR)).max(range.start);
    let end = boundary(text, place.saturating_add(NEAR)).min(range.end);
    start..end.max(start)
}

/// Whether the notice whose word begins there has something that works.
fn works(text: &Text, lines: &Lines, word: usize) -> bool {
    if let Some(link) = text.links.iter().find(|link| link.place.contains(&word)) {
        return is_target(&link.target);
    }
    let Some(line) = lines.at(word) else { return false };
    let near = |range: Range<usize>| {
        let linked = text.links.iter().any(|link| {
            !link.place.is_empty() && range.contains(&link.place.start) && is_target(&link.target)
        });
        linked || text.visible.get(range).is_some_and(|near| !targets(near).is_empty())
    };
    // Of the line before it the end is near, of those behind it the beginning.
    let range = |other: usize| match other.cmp(&line) {
        Ordering::Equal => lines.range(other).map(|all| around(&text.visible, all, word)),
        Ordering::Less => lines.range(other).map(|all| around(&text.visible, all.clone(), all.end)),
        Ordering::Greater => {
            lines.range(other).map(|all| around(&text.visible, all.clone(), all.start))
        }
    };
    let Some(own) = range(line) else { return false };
    if near(segment(&text.visible, own.clone(), word)) {
        return true;
    }
    let sentence = text.visible.get(own.clone()).unwrap_or_default();
    // The lines around it may be what it is about: it is more than a heading, and there are
    // no lines between.
    let leads = sentence.trim_end().ends_with([':', '：']) || Folded::of(sentence).count() > 2;
    let next = lines.filled_after(&text.visible, line);
    let before = line.checked_sub(1);
    let answers = |range: Option<Range<usize>>| {
        let near = range.and_then(|range| text.visible.get(range)).map(Folded::of);
        near.is_some_and(|near| ANSWERS.iter().any(|word| near.find(word, false).next().is_some()))
    };
    if answers(Some(own)) || leads && [before, next].iter().flatten().any(|l| answers(range(*l))) {
        return true;
    }
    let begins = |line: usize| {
        let text = range(line).and_then(|range| text.visible.get(range)).unwrap_or_default();
        let text = text.trim_start().trim_start_matches(['<', '(', '[', '-', '>', ' ']);
        targets(text).first().is_some_and(|first| first.start == 0)
    };
    // A link on the line below; or on that below this, or on the one above, where a sentence
    // goes over several lines.
    next.is_some_and(|next| {
        begins(next)
            || leads && range(next).is_some_and(&near)
            || leads && lines.filled_after(&text.visible, next).is_some_and(begins)
    }) || leads && before.and_then(range).is_some_and(near)
}

/// The part of a line around a word, between the bars with which footers part their links.
fn segment(text: &str, line: Range<usize>, word: usize) -> Range<usize> {
    let bar = ['|', '·', '•', '‧', '∙'];
    let before = text.get(line.start..word).unwrap_or_default();
    let behind = text.get(word..line.end).unwrap_or_default();
    let start = before.rfind(bar).map_or(line.start, |at| line.start + at);
    let end = behind.find(bar).map_or(line.end, |at| word + at);
    start..end
}

/// The lines of a text, by their places in it.
struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]);
        Self { ends: ends.collect() }
    }

    fn range(&self, line: usize) -> Option<Range<usize>> {
        let start = match line.checked_sub(1) {
            Some(before) => self.ends.get(before)? + 1,
            None => 0,
        };
        Some(start..*self.ends.get(line)?)
    }

    fn at(&self, place: usize) -> Option<usize> {
        let line = self.ends.partition_point(|end| *end < place);
        (line < self.ends.len()).then_some(line)
    }

    /// The next line with a text.
    fn filled_after(&self, text: &str, line: usize) -> Option<usize> {
        let filled = |line: &usize| {
            let range = self.range(*line);
            range.and_then(|range| text.get(range)).is_some_and(|line| !line.trim().is_empty())
        };
        (line + 1..self.ends.len()).take(4).find(filled)
    }

    /// Pieces in which a phrase may go over several lines: paragraphs of a plain text. In HTML
    /// a line is a block.
    fn paragraphs(&self, kind: TextKind) -> Vec<(usize, usize)> {
        let mut all: Vec<(usize, usize)> = Vec::new();
        let mut start = 0;
        let mut blank = true;
        for end in &self.ends {
            // An ending may be CRLF.
            let empty = end.saturating_sub(start) <= 1;
            match all.last_mut() {
                Some(last) if kind != TextKind::Html && !blank && !empty => last.1 = *end,
                _ => all.push((start, *end)),
            }
            blank = empty;
            start = end + 1;
        }
        all
    }
}

/// Marks of templates that nobody has filled in.
const UNFILLED: &[&str] = &["{{", "}}", "{%", "%}", "*|", "|*", "%%", "${", "<%", "[[", "##"];

/// Whether a link goes somewhere: `http:`, `https:` or `mailto:` with a host or an address, and
/// no mark of a template.
fn is_target(target: &str) -> bool {
    let target = target.trim();
    // `*|UNSUB|*`, cut at a bar.
    if UNFILLED.iter().any(|mark| target.contains(mark)) || target.ends_with('*') {
        return false;
    }
    let after = |scheme: &str| {
        let own = target.get(..scheme.len())?;
        own.eq_ignore_ascii_case(scheme).then(|| target.get(scheme.len()..))?
    };
    if let Some(address) = after("mailto:") {
        let address = address.split('?').next().unwrap_or_default();
        let parts = address.split_once('@').or_else(|| address.split_once("%40"));
        return parts
            .is_some_and(|(local, domain)| !local.trim().is_empty() && domain.contains('.'));
    }
    let rest = after("https://").or_else(|| after("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().trim_matches('.');
        host.contains('.')
            && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
    })
}

/// Links and addresses in a text: what mail programs make a link of.
fn targets(text: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut at = 0;
    let stops = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | ',' | ';');
    for word in text.split(stops) {
        let bare = word.trim_end_matches(['.', ':', '!', '?', ']', '\'', '。']);
        let lower = bare.to_ascii_lowercase();
        let link = ["http://", "https://", "mailto:", "www."]
            .iter()
            .filter_map(|scheme| lower.find(scheme))
            .min()
            .filter(|from| {
                let link = bare.get(*from..).unwrap_or_default();
                is_target(link) || is_target(&format!("http://{link}"))
            });
        let address = || {
            let (local, domain) = bare.split_once('@')?;
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            let domain = domain.trim_end_matches('.');
            let whole = local.chars().next_back()?.is_alphanumeric()
                && domain.contains('.')
                && !domain.starts_with('.')
                && domain.chars().all(plain);
            whole.then_some(0)
        };
        if let Some(from) = link.or_else(address) {
            all.push(at + from..at + bare.len());
        }
        // One stop is one character.
        at += word.len();
        at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    all
}
