//! "Did you mean": the word nearest to a mistyped one.

/// The best of `words`, if it is near enough to have been meant.
pub(crate) fn nearest<'a>(typed: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    words
        .map(|word| (strsim::damerau_levenshtein(&typed, &word.replace('-', "_")), word))
        .filter(|(distance, word)| *distance <= (word.len().max(typed.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["address", "allow", "action", "notice"];
        assert_eq!(nearest("adress", words.into_iter()), Some("address"));
        assert_eq!(nearest("Notice", words.into_iter()), Some("notice"));
        assert_eq!(nearest("allwo", words.into_iter()), Some("allow"));
        assert_eq!(nearest("timeout", words.into_iter()), None);
    }
}
