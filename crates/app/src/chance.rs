//! The one place of this crate that rolls dice.

use crate::error::AppError;

/// Random bytes of the operating system.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], AppError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| AppError::io("random numbers", std::io::Error::other(e.to_string())))?;
    Ok(bytes)
}
