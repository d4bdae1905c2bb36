//! A message as a mail server stored it, taken apart into what was added on the
//! way and what was sent.

/// One stored copy of a message.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The fields above the gate's: what the mail server itself added.
    pub above: Vec<String>,
    /// The field that the gate added, if it passed the gate.
    pub trace: Option<String>,
    /// The rest, with CRLF line ends: what the client sent.
    pub content: Vec<u8>,
}

impl Stored {
    /// Takes a file apart. `gate` is the host name in the gate's Received field,
    /// `server` the name in the server's own.
    pub fn new(file: &[u8], gate: &str, server: &str) -> Self {
        let mut stored = Self { above: Vec::new(), trace: None, content: Vec::new() };
        let file = with_crlf(file);
        let mut rest: &[u8] = &file;
        loop {
            let length = field_length(rest);
            let (field, below) = rest.split_at(length);
            let text = String::from_utf8_lossy(field).into_owned();
            let of_server = ["Return-Path:", "X-Original-To:", "Delivered-To:", "Envelope-to:"];
            let received = text.starts_with("Received:");
            let unfolded = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if stored.trace.is_none() && received && unfolded.contains(&format!("by {gate} ")) {
                stored.trace = Some(unfolded);
                // Below the gate's field everything is the client's.
                stored.content = below.to_vec();
                return stored;
            }
            let own = received && unfolded.contains(&format!("by {server} "));
            if !own && !of_server.iter().any(|name| text.starts_with(name)) {
                stored.content = rest.to_vec();
                return stored;
            }
            stored.above.push(unfolded);
            rest = below;
        }
    }

    /// The recipient this copy was stored for, as the server's fields tell.
    pub fn recipient(&self) -> String {
        let value = |name: &str| self.above.iter().find_map(|field| field.strip_prefix(name));
        let names = ["X-Original-To: ", "Envelope-to: ", "Delivered-To: "];
        names.into_iter().find_map(value).unwrap_or_default().to_owned()
    }
}

/// The length of the first header field with its folded lines; 0 at the end of
/// the header.
fn field_length(text: &[u8]) -> usize {
    let mut length = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if line == b"\r\n" || (length > 0 && !folded) {
            break;
        }
        length += line.len();
    }
    length
}

/// Mail servers store lines with LF; on the wire they end with CRLF.
fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 40);
    for &byte in text {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}
