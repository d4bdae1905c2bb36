//! Which greeting was shown to whom, and what it said.
//!
//! A session's record names the greeting by the hash of the very octets that were written; what
//! these are stands in each file that names them, so that a hash can be read years later.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use suppression::{Digest, Timestamp};

/// The name of a greeting: SHA-256 of its octets as they are on the wire, codes and line ends
/// included.
#[must_use]
pub fn greeting_digest(greeting: &[u8]) -> Digest {
    Digest(Sha256::digest(greeting).into())
}

/// A client was shown a greeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// When it was written to the client.
    pub time: Timestamp,
    /// The session.
    pub session: Arc<str>,
    /// The client's address; behind a front end that of the client, as far as it was known then.
    pub client: IpAddr,
    /// Where the client came in, as configured.
    pub listener: SocketAddr,
    /// The greeting, see [`greeting_digest`].
    pub greeting: Digest,
    /// The version that its author gave to the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
}

/// What a greeting says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoticeText {
    /// When it was shown first, of those times that this file has from one process.
    pub time: Timestamp,
    /// The greeting, see [`greeting_digest`].
    pub greeting: Digest,
    /// The version that its author gave to the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
    /// All of it, as it is on the wire, codes and line ends included.
    pub text: Arc<str>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::Record;
    use crate::record::tests::line;
    use crate::seen::Seen;

    pub(crate) const GREETING: &str = "220 mail.example.com ESMTP NO UCE C=US L=CA\r\n";

    pub(crate) fn notice(session: &str, client: &str, time: &str) -> Notice {
        Notice {
            time: time.parse().unwrap(),
            session: session.into(),
            client: client.parse().unwrap(),
            listener: "0.0.0.0:25".parse().unwrap(),
            greeting: greeting_digest(GREETING.as_bytes()),
            version: Some("2026-1".into()),
        }
    }

    pub(crate) fn notice_text() -> NoticeText {
        NoticeText {
            time: "2026-03-02T10:00:00Z".parse().unwrap(),
            greeting: greeting_digest(GREETING.as_bytes()),
            version: None,
            text: GREETING.into(),
        }
    }

    #[test]
    fn both_are_read_back_as_they_were_written() {
        let written = notice("s1", "192.0.2.7", "2026-03-02T10:00:00Z");
        let bytes = line(&Record::Notice(&written));
        let seen: Seen<'_> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(seen.record, "notice");
        assert_eq!(seen.client, Some(written.client));
        assert_eq!(seen.session.unwrap(), "s1");
        assert_eq!(seen.listener.unwrap(), "0.0.0.0:25");
        // printf '220 mail.example.com ESMTP NO UCE C=US L=CA\r\n' | sha256sum
        let digest = "5ee554af0d1b31ed94f0df0e7ade1be5f60e1c4889d5b01588f9816c96f9308e";
        assert_eq!(seen.greeting.unwrap(), digest);
        assert_eq!(seen.version.unwrap(), "2026-1");

        let bytes = line(&Record::NoticeText(&notice_text()));
        let seen: Seen<'_> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(seen.record, "notice-text");
        assert_eq!(seen.greeting.unwrap(), digest);
        assert_eq!((seen.version, seen.text.unwrap().as_str()), (None, GREETING));
    }
}
