//! Classes of characters, for the grammar and for what is refused beyond it.

use icu_properties::CodePointSetData;
use icu_properties::props::{
    DefaultIgnorableCodePoint, EnumeratedProperty, GeneralCategory, GeneralCategoryGroup,
};

// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" /
//         "=" / "?" / "^" / "_" / "`" / "{" / "|" / "}" / "~" / UTF8-non-ascii
/// What may stand in a local part without quotes: RFC 5322 s3.2.3, RFC 6531 s3.3.
pub(crate) fn is_atext(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' => true,
        '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}' | '~' => true,
        _ => !c.is_ascii(),
    }
}

/// ASCII that is nothing but itself in any program's reading of a local part.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_ascii() && !matches!(c, '%' | '!') && (is_atext(c) || c == '.')
}

/// Zero-width and other characters that are not shown: soft hyphen, joiners, byte order
/// mark, direction marks, variation selectors, fillers.
pub(crate) fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// The zero-width joiners: UTS 46 keeps them in a domain where a script needs them (and
/// they are sent in the A-label), and refuses them elsewhere.
pub(crate) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Format, control, white space, private use, unassigned, and the two characters that
/// stand for something lost.
pub(crate) fn is_unknown(c: char) -> bool {
    let category = GeneralCategory::for_char(c);
    GeneralCategoryGroup::Other.contains(category)
        || GeneralCategoryGroup::Separator.contains(category)
        || matches!(c, '\u{FFFC}' | '\u{FFFD}')
}

/// Marks that combine with the character before them.
pub(crate) fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(GeneralCategory::for_char(c))
}
