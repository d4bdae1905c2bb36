//! Dot-stuffing: mail data as it is sent. RFC 5321 s4.5.2.
//!
//! The inverse of [`DataDecoder`](crate::DataDecoder): content goes in as it came out there, and
//! every line that begins with a dot gets a second one. Long spans are copied whole.
//!
//! Invariants: what is written holds no line of a single dot but the one [`DataEncoder::finish`]
//! adds; content of any other kind than CRLF lines is the caller's fault and is not repaired.

use memchr::memmem;

/// Doubles the dots at line starts. RFC 5321 s4.5.2.
#[derive(Debug)]
pub struct DataEncoder {
    before: Before,
}

/// What the content ended with so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    LineStart,
    Cr,
    Text,
}

impl Default for DataEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl DataEncoder {
    /// An encoder at the beginning of mail data.
    #[must_use]
    pub fn new() -> Self {
        Self { before: Before::LineStart }
    }

    /// Appends content, stuffed. The content may be cut anywhere.
    pub fn encode(&mut self, content: &[u8], out: &mut Vec<u8>) {
        let Some(&first) = content.first() else { return };
        if self.before == Before::LineStart && first == b'.' {
            out.push(b'.');
        }
        let mut copied = 0;
        if self.before == Before::Cr && content.starts_with(b"\n.") {
            out.extend_from_slice(b"\n.");
            copied = 1;
        }
        for at in memmem::find_iter(content, b"\r\n.") {
            out.extend_from_slice(content.get(copied..at + 2).unwrap_or_default());
            out.push(b'.');
            copied = at + 2;
        }
        out.extend_from_slice(content.get(copied..).unwrap_or_default());
        self.before = match content {
            [.., b'\r', b'\n'] => Before::LineStart,
            [b'\n'] if self.before == Before::Cr => Before::LineStart,
            [.., b'\r'] => Before::Cr,
            _ => Before::Text,
        };
    }

    /// Appends the end of the data. Content that does not end with CRLF gets one; any other CRLF
    /// before the dot would be one too many (RFC 5321 s4.1.1.4).
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.before != Before::LineStart {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        self.before = Before::LineStart;
    }
}

#[cfg(test)]
mod tests;
