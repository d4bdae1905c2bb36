//! What was captured: the last messages in memory, and every message as a file if asked.
//!
//! A file holds the content byte for byte as it was received, without the doubled dots
//! (RFC 5321 s4.5.2), nothing added. The envelope stands beside it as JSON. Both appear
//! under their names only when they are complete, the envelope last.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::message::{Captured, Received};

/// Messages kept in memory, at most.
const KEPT_MESSAGES: usize = 100;
/// Bytes of them, at most.
const KEPT_BYTES: usize = 32 << 20;

/// The messages kept in memory, for whoever looks.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Ring>>);

#[derive(Debug, Default)]
struct Ring {
    last: VecDeque<Arc<Captured>>,
    bytes: usize,
    number: u64,
}

impl Kept {
    /// The last messages, oldest first.
    pub fn messages(&self) -> Vec<Arc<Captured>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.iter().cloned().collect()
    }

    /// How many there were in all.
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).number
    }

    /// Numbers a message, stores it as a file if asked, and keeps it.
    pub(super) fn take(
        &self,
        received: Received,
        peer: SocketAddr,
        at: u64,
        folder: Option<&Path>,
    ) -> std::io::Result<Arc<Captured>> {
        let number = {
            let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            ring.number += 1;
            ring.number
        };
        let captured = Arc::new(Captured {
            number,
            at,
            peer,
            helo: received.helo,
            from: received.from,
            from_params: received.from_params,
            recipients: received.recipients,
            bytes: received.content.len(),
            subject: field(&received.content, "subject"),
            message_id: field(&received.content, "message-id"),
            file: folder.map(|f| f.join(format!("{number:06}.eml"))),
            content: received.content.into(),
        });
        if let Some(file) = &captured.file {
            write(&captured, file)?;
        }
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.bytes += captured.bytes;
        ring.last.push_back(captured.clone());
        while ring.last.len() > KEPT_MESSAGES || (ring.bytes > KEPT_BYTES && ring.last.len() > 1) {
            if let Some(oldest) = ring.last.pop_front() {
                ring.bytes = ring.bytes.saturating_sub(oldest.bytes);
            }
        }
        Ok(captured)
    }
}

fn write(captured: &Captured, file: &Path) -> std::io::Result<()> {
    let part = file.with_extension("part");
    std::fs::write(&part, &captured.content)?;
    std::fs::rename(&part, file)?;
    let envelope = serde_json::to_vec_pretty(captured)?;
    std::fs::write(&part, envelope)?;
    std::fs::rename(&part, file.with_extension("json"))
}

/// The value of a field of the header, unfolded, for the line that is printed. It is
/// somebody else's text, so that control characters do not reach the terminal.
fn field(content: &[u8], name: &str) -> Option<String> {
    let head = content.get(..content.len().min(64 << 10))?;
    let mut value: Option<String> = None;
    for line in head.split(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        if line.is_empty() {
            break;
        }
        if let Some(text) = &mut value {
            if !line.starts_with([' ', '\t']) {
                break;
            }
            text.push(' ');
            text.push_str(line.trim());
        } else if let Some((found, rest)) = line.split_once(':')
            && found.trim_end().eq_ignore_ascii_case(name)
        {
            value = Some(rest.trim().to_owned());
        }
    }
    value.map(|v| v.chars().filter(|c| !c.is_control()).take(200).collect())
}
