//! Plain text whose lines are to be joined: `format=flowed` (RFC 3676).

/// The text with its paragraphs in one line each. `delete_space`: the space that a line ends
/// with is no part of the text (`delsp=yes`).
pub(super) fn joined(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The depth of quotes of the line that is not ended yet.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let unquoted = line.trim_start_matches('>');
        let depth = line.len() - unquoted.len();
        // RFC 3676 s4.4: a space that protects what stands behind it.
        let content = unquoted.strip_prefix(' ').unwrap_or(unquoted);
        match open {
            Some(before) if before == depth && content != "-- " => {}
            Some(_) => {
                out.push('\n');
                quoted(&mut out, depth);
            }
            None => quoted(&mut out, depth),
        }
        // RFC 3676 s4.3: the separator of a signature is never flowed.
        let flows = content.ends_with(' ') && content != "-- ";
        match content.strip_suffix(' ').filter(|_| flows && delete_space) {
            Some(content) => out.push_str(content),
            None => out.push_str(content),
        }
        open = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    out
}

/// The octets without each line end that a blank is behind, and the blank; nothing, where there
/// is none. A character may be cut there.
pub(super) fn unfolded(octets: &[u8]) -> Option<Vec<u8>> {
    let blank = |at: usize| matches!(octets.get(at + 1), Some(b' ' | b'\t'));
    if !memchr::memchr_iter(b'\n', octets).any(blank) {
        return None;
    }
    let mut out = Vec::with_capacity(octets.len());
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', octets).filter(|at| blank(*at)) {
        let line = octets.get(from..at).unwrap_or_default();
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        from = at + 2;
    }
    out.extend_from_slice(octets.get(from..).unwrap_or_default());
    Some(out)
}

fn quoted(out: &mut String, depth: usize) {
    if depth > 0 {
        out.extend(std::iter::repeat_n('>', depth));
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn paragraphs() {
        let text = "One \nline.\n\n> quoted \n> text\n>> deeper \nnot \n-- \nBob\n From here\n";
        let expected = "One line.\n\n> quoted text\n>> deeper \nnot \n-- \nBob\nFrom here\n";
        assert_eq!(joined(text, false), expected);
        assert_eq!(joined("漢字 \n漢字\n", true), "漢字漢字\n");
    }
}
