//! The message as a mail to whoever looks after the gate.

use address::{ForwardPath, ReversePath};
use proxy::OwnMessage;
use suppression::Timestamp;

use super::trouble::{Event, Message};

/// The mail. `id` is its own.
pub(super) fn compose(
    message: &Message,
    to: &ForwardPath,
    hostname: &str,
    now: Timestamp,
    id: u64,
) -> OwnMessage {
    let what = match message.event {
        Event::Solved => "solved",
        _ => "trouble",
    };
    let address = to.to_string();
    let address = address.trim_start_matches('<').trim_end_matches('>');
    let mut content = String::new();
    let mut line = |text: &str| {
        content.push_str(text);
        content.push_str("\r\n");
    };
    line(&format!("Date: {}", rfc_5322(now)));
    line(&format!("From: optgate on {hostname} <postmaster@{hostname}>"));
    line(&format!("To: {address}"));
    line(&format!("Subject: optgate {what}: {}", headed(&message.about)));
    line(&format!("Message-ID: <{:x}.{id:x}@{hostname}>", now.micros()));
    // RFC 3834 s5.1: nobody answers it, not even a holiday notice.
    line("Auto-Submitted: auto-generated");
    line("MIME-Version: 1.0");
    line("Content-Type: text/plain; charset=utf-8");
    line("Content-Transfer-Encoding: 8bit");
    line("");
    for part in wrapped(&message.text) {
        line(&part);
    }
    line("");
    line(&format!("{} on {hostname}, {now}", message.event.as_str()));
    line("How it is now: optgate status");
    OwnMessage { from: ReversePath::Null, to: to.clone(), content: content.into_bytes() }
}

/// Printable ASCII of bounded length, as a header field may have without encoding.
fn headed(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(100).map(plain).collect()
}

/// Lines of at most 78 characters (RFC 5322 s2.1.1), broken at spaces; a longer word is cut at
/// what a line may have at most.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().take(200).collect();
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 78 {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

/// `Mon, 02 Mar 2026 12:00:00 +0000` (RFC 5322 s3.3).
fn rfc_5322(time: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // `2026-03-02T12:00:00...Z`, counted from a Thursday.
    let text = time.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let days = time.micros().div_euclid(86_400_000_000).rem_euclid(7);
    let day = usize::try_from(days).ok().and_then(|at| DAYS.get(at)).unwrap_or(&"Thu");
    let month: usize = part(5..7).parse().unwrap_or(1);
    let month = MONTHS.get(month.saturating_sub(1)).unwrap_or(&"Jan");
    format!("{day}, {} {month} {} {} +0000", part(8..10), part(0..4), part(11..19))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_mail_writes_them() {
        for (time, text) in [
            ("2026-03-02T12:05:09Z", "Mon, 02 Mar 2026 12:05:09 +0000"),
            ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
            ("2026-11-22T23:59:59.25Z", "Sun, 22 Nov 2026 23:59:59 +0000"),
        ] {
            assert_eq!(rfc_5322(time.parse().unwrap()), text);
        }
    }

    #[test]
    fn a_mail_is_one_that_any_server_takes() {
        let message = Message {
            event: Event::SourceUnknown,
            about: "crm\r\nBcc: x@example.com ü".to_owned(),
            text: format!("a {} list\r\n.\r\nb {}", "word ".repeat(40), "x".repeat(2000)),
        };
        let to = ForwardPath::parse("<ops@corp.example>").unwrap();
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        let mail = compose(&message, &to, "gate.corp.example", now, 7);
        let text = String::from_utf8(mail.content).unwrap();
        assert!(text.split_inclusive('\n').all(|line| line.ends_with("\r\n")));
        assert!(text.lines().all(|line| line.len() < 998));
        let (header, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!header.contains("\r\nBcc"), "{header}");
        assert!(header.contains("\r\nSubject: optgate trouble: crm??Bcc"), "{header}");
        assert!(body.contains("source-unknown on gate.corp.example"));
        assert_eq!(mail.from.to_string(), "<>");
    }
}
