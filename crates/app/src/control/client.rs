//! The command line's side of the control socket.

use std::io::{BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::protocol::{Reply, read_line, to_line};
use crate::clerk::Request;
use crate::error::AppError;
use crate::import::Progress;

/// A connection to the running gate; none when no gate listens.
///
/// # Errors
/// When there is a gate and it cannot be reached.
pub(super) fn connect(socket: &Path) -> Result<Option<UnixStream>, AppError> {
    match UnixStream::connect(socket) {
        Ok(stream) => Ok(Some(stream)),
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => Err(AppError::io(socket, error)),
    }
}

/// Asks the gate behind a socket and waits for the answer.
///
/// # Errors
/// What the gate says, or that it went away.
pub fn ask(
    stream: &UnixStream,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
) -> Result<serde_json::Value, AppError> {
    let gone = |error: std::io::Error| {
        AppError::Unavailable(format!("the gate went away before it answered ({error}); ask again"))
    };
    let mut out = stream;
    to_line(request).and_then(|line| out.write_all(&line)).map_err(gone)?;
    let mut reader = BufReader::new(stream);
    loop {
        let Some(line) = read_line(&mut reader).map_err(gone)? else {
            return Err(gone(ErrorKind::UnexpectedEof.into()));
        };
        match serde_json::from_slice(&line) {
            Ok(Reply::Progress(at)) => progress(at),
            Ok(Reply::Done { answer }) => return Ok(answer),
            Ok(Reply::Failed { message, fault }) => return Err(AppError::Gate { message, fault }),
            Err(error) => return Err(gone(error.into())),
        }
    }
}
