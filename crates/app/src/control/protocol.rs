//! The lines that cross the socket.

use std::io::{BufRead, Read};

use serde::{Deserialize, Serialize};

use crate::error::{AppError, Blame};
use crate::import::Progress;

/// The longest line either side takes, 64 MiB: a status is short, a list of ten
/// thousand judged addresses is not.
pub(super) const LINE_MAX: u64 = 64 << 20;

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub(super) enum Reply {
    /// Work goes on.
    Progress(Progress),
    /// The answer.
    Done { answer: serde_json::Value },
    /// No answer.
    Failed { message: String, fault: Blame },
}

impl Reply {
    pub(super) fn of_error(error: &AppError) -> Self {
        Self::Failed { message: error.to_string(), fault: error.blame() }
    }
}

/// One line without its end; none at the end of the stream.
pub(super) fn read_line(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|b| *b == b'\n').is_none() {
        let what = "a line was cut off, or longer than 64 MiB";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
    }
    Ok(Some(line))
}

/// A value as one line.
pub(super) fn to_line<T: Serialize>(value: &T) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
