//! The one place of this crate that takes random bytes from the operating system.

use crate::error::LedgerError;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| LedgerError::Entropy(error.to_string()))?;
    Ok(bytes)
}
