//! What a notice may hold: printable ASCII in one line of the greeting.
//!
//! RFC 5321 s4.2: `textstring = 1*(%d09 / %d32-126)`; s4.5.3.1.5: a reply line has
//! at most 512 octets. A text pasted from a word processor brings curly quotes and
//! dashes; each is shown with what to type instead. It is refused here and not
//! repaired, because a policy should say what its author wrote.

use std::ops::Range;

use super::fault::Fault;
use super::naming::Notice;

/// RFC 5321 s4.5.3.1.5, with the code and CRLF.
const REPLY_LINE_MAX: usize = 512;

pub(crate) fn check(notice: &Notice, hostname: Option<&str>, faults: &mut Vec<Fault>) {
    let mut last_end = 0;
    for (at, c) in notice.text.char_indices() {
        if matches!(c, ' '..='~') {
            continue;
        }
        if at < last_end {
            continue;
        }
        last_end = at + c.len_utf8();
        faults.push(one_character(notice, at, c));
    }
    let around = "220 ".len() + hostname.map_or(1, str::len) + " ESMTP ".len() + "\r\n".len();
    let length = around + notice.text.len();
    if length > REPLY_LINE_MAX {
        faults.push(
            Fault::at(notice.span.clone(), format!("the greeting would have {length} octets"))
                .label(format!("{} too many", length - REPLY_LINE_MAX))
                .help(format!(
                    "a reply line has at most 512 octets (RFC 5321 s4.5.3.1.5); here is room for {}",
                    REPLY_LINE_MAX.saturating_sub(around)
                )),
        );
    }
}

fn one_character(notice: &Notice, at: usize, c: char) -> Fault {
    let place = place_of(notice, at, c);
    let name = match c {
        '\n' | '\r' => "a line break".to_owned(),
        c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
        c => format!("`{c}` (U+{:04X})", u32::from(c)),
    };
    let fault = Fault::at(place, format!("{name} cannot stand in a greeting"))
        .label("only printable ASCII (RFC 5321 s4.2)");
    match plain(c) {
        Some(" ") => fault.help("write a space"),
        Some("\"") => fault.help("write \\\" (with the backslash, inside a TOML string)"),
        Some(plain) => fault.help(format!("write {plain}")),
        None => fault.help("leave it out, or write it in ASCII"),
    }
}

/// The character itself in the file when the string is written without escapes,
/// else the whole string.
fn place_of(notice: &Notice, at: usize, c: char) -> Range<usize> {
    let whole = notice.span.clone();
    if whole.len() == notice.text.len() + 2 {
        let start = whole.start + 1 + at;
        return start..start + c.len_utf8();
    }
    whole
}

/// What people type for what programs make of it.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}' | '\u{2032}' | '\u{00B4}' => "'",
        '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{2033}' | '\u{00AB}'
        | '\u{00BB}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2026}' => "...",
        '\n' | '\r' | '\t' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => " ",
        '\u{2022}' | '\u{00B7}' => "*",
        '\u{00A9}' => "(c)",
        '\u{00AE}' => "(R)",
        '\u{2122}' => "(TM)",
        '\u{00A7}' => "section",
        '\u{20AC}' => "EUR",
        '\u{00E4}' => "ae",
        '\u{00F6}' => "oe",
        '\u{00FC}' => "ue",
        '\u{00C4}' => "Ae",
        '\u{00D6}' => "Oe",
        '\u{00DC}' => "Ue",
        '\u{00DF}' => "ss",
        _ => return None,
    })
}
