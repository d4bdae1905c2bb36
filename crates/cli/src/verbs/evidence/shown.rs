//! Which greetings a client was shown, when, and what they said.

use std::fmt::Write as _;

use app::evidence::{Message, Seen, Shown, Text};

use crate::shown::shown as escaped;
use crate::table::columns;

/// Digits of a greeting's hash by which it is named here.
const DIGITS: usize = 16;

/// Tells it, and which of these messages came in a session with that greeting; nothing where no
/// greeting was found.
pub(super) fn tell(found: &Shown, messages: &[Message]) -> String {
    if found.notices.is_empty() {
        return String::new();
    }
    let heads = ["shown", "session", "listener", "greeting", "version", "then sent"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(found.seen_notices().map(|seen| {
        let text = |text: &Option<Text<'_>>| {
            text.as_ref().map_or_else(|| "-".to_owned(), |text| escaped(text))
        };
        [
            seen.time.to_string(),
            text(&seen.session),
            text(&seen.listener),
            name(&seen),
            text(&seen.version),
            sent(&seen, messages),
        ]
    }));
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    let mut told = columns(&rows);
    for seen in found.seen_texts() {
        let _ = write!(told, "\ngreeting {}", name(&seen));
        let hash = seen.greeting.as_ref().map(|hash| escaped(hash)).unwrap_or_default();
        let _ = writeln!(told, " (SHA-256 {hash})");
        for line in seen.text.as_ref().map(Text::as_str).unwrap_or_default().lines() {
            let _ = writeln!(told, "  {}", escaped(line));
        }
    }
    told
}

/// The messages of the greeting's session, by their references.
fn sent(greeted: &Seen<'_>, messages: &[Message]) -> String {
    let of_session = |message: &&Message| {
        message.seen().any(|seen| seen.session.is_some() && seen.session == greeted.session)
    };
    let sent = messages.iter().filter(of_session);
    let names: Vec<_> = sent.map(|message| escaped(&message.transaction)).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

fn name(seen: &Seen<'_>) -> String {
    let hash = seen.greeting.as_ref().map(Text::as_str).unwrap_or_default();
    escaped(&hash.chars().take(DIGITS).collect::<String>())
}
