//! Text as it is compared: letters and digits only, in one case, without accents, so that white
//! space, punctuation, line breaks, and letters composed in another way make no difference.

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::seen::{is_invisible, room};

/// A text, folded.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) text: String,
    /// Where a word begins: in the folded text, and in the text as it was. Half as wide as they
    /// might be: no text comes near that, and a text may be all words.
    words: Vec<(u32, u32)>,
    /// The rest of the text is not in it: it took more than [`room`].
    pub(super) cut: bool,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
        let mut folded = Self { text: String::with_capacity(text.len()), ..Self::default() };
        let most = room(text);
        let mut apart = true;
        for (at, c) in text.char_indices() {
            if folded.text.len() > most {
                folded.cut = true;
                break;
            }
            if c.is_ascii() {
                folded.push(at, c, &mut apart);
            } else if !is_invisible(c) {
                for c in nfkd.normalize_iter(std::iter::once(c)) {
                    folded.push(at, c, &mut apart);
                }
            }
        }
        folded
    }

    fn push(&mut self, at: usize, c: char, apart: &mut bool) {
        if !c.is_alphanumeric() {
            *apart = true;
            return;
        }
        if std::mem::take(apart) {
            self.words.push((narrow(self.text.len()), narrow(at)));
        }
        for c in c.to_lowercase() {
            match c {
                'ß' => self.text.push_str("ss"),
                c => self.text.push(c),
            }
        }
    }

    /// Where `folded` begins, in the text as it was, each time that it begins with a word.
    /// `whole`: and ends with one.
    pub(super) fn find<'a>(&'a self, folded: &'a str, whole: bool) -> impl Iterator<Item = usize> {
        self.text.match_indices(folded).filter_map(move |(at, found)| {
            let end = at + found.len();
            (!found.is_empty() && self.parts(at) && (!whole || self.parts(end)))
                .then(|| self.origin(at))
        })
    }

    /// Whether two words meet here, or a word and something that is written without gaps.
    fn parts(&self, at: usize) -> bool {
        let (before, behind) = self.text.split_at_checked(at).unwrap_or_default();
        let sticks = |c: Option<char>| c.is_some_and(|c| c.is_numeric() || c.is_lowercase());
        !sticks(before.chars().next_back())
            || !sticks(behind.chars().next())
            || self.words.binary_search_by_key(&narrow(at), |(folded, _)| *folded).is_ok()
    }

    /// How many words.
    pub(super) fn count(&self) -> usize {
        self.words.len()
    }

    fn origin(&self, at: usize) -> usize {
        let at = narrow(at);
        let next = self.words.partition_point(|(folded, _)| *folded <= at);
        let word = next.checked_sub(1).and_then(|word| self.words.get(word));
        word.and_then(|(_, origin)| usize::try_from(*origin).ok()).unwrap_or_default()
    }
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        Folded::of(text).text
    }

    #[test]
    fn one_form() {
        for text in
            ["Münchner Straße 5", "MÜNCHNER STRASSE\r\n 5", "mu\u{308}nchner-stra\u{ad}ße (5)"]
        {
            assert_eq!(folded(text), "munchnerstrasse5", "{text}");
        }
        assert_eq!(folded("Ｍａｉｎ　１２"), "main12");
        assert_eq!(folded("東京都 １－２"), "東京都12");
    }

    #[test]
    fn words_are_whole() {
        let find = |text: &str, word: &str| Folded::of(text).find(word, true).next();
        assert_eq!(find("at 1 Main St.", "1mainst"), Some(3));
        assert_eq!(find("at 21 Main St", "1mainst"), None);
        assert_eq!(find("1 Main Street", "1mainst"), None);
        assert_eq!(find("21 Main St, 1 Main St", "1mainst"), Some(12));
        assert_eq!(find("住所東京都です", "東京都"), Some(0));
    }
}
