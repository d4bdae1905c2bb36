//! Encoded words (RFC 2047), as nearly every program shows them: also where the standard would
//! not have them, such as in the middle of a word.

use mail_parser::parsers::MessageStream;

/// The text with its encoded words decoded; what is none, or in a charset nobody knows, stays.
pub(crate) fn words(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    // The reader ends at a line end.
    let line = [text.as_bytes(), b"\n"].concat();
    let value = MessageStream::new(&line).parse_unstructured();
    value.as_text().map_or_else(|| text.to_owned(), str::to_owned)
}
