//! What a submission server may add to a message (RFC 6409 s8.2, s8.3): Date and Message-ID where
//! they are missing, below our Received.

use evidence::Reference;
use message::{Header, continues_field};
use smtp_session::Moment;

use crate::trace::date;

/// Octets that may be added, for SIZE= upstream: two lines, and a host name of 255 octets.
pub(crate) const SIZE_ALLOWANCE: u64 = 384;

/// Fields that were missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// With their line ends.
    pub(crate) fields: String,
    /// The value of the Message-ID, if that is one of them.
    pub(crate) message_id: Option<String>,
}

/// `None`: nothing is missing. A message that begins with a continuation of nothing is left as it
/// is: that line would become a part of what is put in front of it.
pub(crate) fn missing_fields(
    now: Moment,
    header: &Header,
    octets: &[u8],
    reference: &Reference,
    hostname: &str,
) -> Option<Missing> {
    let lacks = |name: &str| header.named(name).next().is_none();
    let (no_date, no_id) = (lacks("Date"), lacks("Message-ID"));
    if continues_field(octets) || !(no_date || no_id) {
        return None;
    }
    let message_id = no_id.then(|| format!("<{reference}@{hostname}>"));
    let mut fields = String::new();
    if no_date {
        fields += &format!("Date: {}\r\n", date(now));
    }
    if let Some(id) = &message_id {
        fields += &format!("Message-ID: {id}\r\n");
    }
    Some(Missing { fields, message_id })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_is_missing_is_added_and_never_in_front_of_a_continuation() {
        let now = Moment::new(Duration::ZERO, 1_772_452_800_000_000);
        let reference = Reference::new(1_772_452_800_000, 7);
        let id = format!("<{reference}@mail.example.com>");
        let fields = |text: &str| {
            let header = Header::parse(text.as_bytes());
            let missing =
                missing_fields(now, &header, text.as_bytes(), &reference, "mail.example.com");
            missing.map(|missing| (missing.fields, missing.message_id))
        };
        let date = "Date: Mon, 2 Mar 2026 12:00:00 +0000\r\n";
        let both = format!("{date}Message-ID: {id}\r\n");
        assert_eq!(fields("Subject: x\r\n\r\n"), Some((both.clone(), Some(id.clone()))));
        assert_eq!(fields("\r\nbody\r\n"), Some((both, Some(id.clone()))));
        assert_eq!(fields("message-id : <a@b>\r\n\r\n"), Some((date.to_owned(), None)));
        let only_id = Some((format!("Message-ID: {id}\r\n"), Some(id)));
        assert_eq!(fields("DATE: x\r\n\r\n"), only_id);
        assert_eq!(fields("no field\r\nDate: x\r\nMessage-ID: <a@b>\r\n\r\n"), None);
        assert_eq!(fields(" x\r\n\r\n"), None);
    }
}
