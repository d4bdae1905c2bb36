//! Reading and writing while the sum of the bytes is kept.

use std::io::{Read, Write};

use sha2::{Digest, Sha256};

use crate::error::SuppressionError;

pub(super) const TOO_LONG: SuppressionError =
    SuppressionError::SnapshotDamaged("too long to be held");

/// Reads or writes, and sums up what went by.
pub(super) struct Summed<'a, T> {
    inner: &'a mut T,
    sum: Sha256,
}

impl<'a, T> Summed<'a, T> {
    pub(super) fn new(inner: &'a mut T) -> Self {
        Self { inner, sum: Sha256::new() }
    }

    /// SHA-256 of everything so far.
    pub(super) fn sum(&self) -> [u8; 32] {
        self.sum.clone().finalize().into()
    }
}

impl<W: Write> Summed<'_, W> {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), SuppressionError> {
        self.sum.update(bytes);
        self.inner.write_all(bytes).map_err(io)
    }

    pub(super) fn flush(&mut self) -> Result<(), SuppressionError> {
        self.inner.flush().map_err(io)
    }
}

impl<R: Read> Summed<'_, R> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], SuppressionError> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(io)?;
        self.sum.update(bytes);
        Ok(bytes)
    }

    /// As many bytes as the file says. A wrong number costs address space, not memory: pages
    /// are touched only as bytes arrive.
    pub(super) fn take_many(&mut self, length: u64) -> Result<Vec<u8>, SuppressionError> {
        let wanted = usize::try_from(length).map_err(|_| TOO_LONG)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(wanted).map_err(|_| TOO_LONG)?;
        let read = self.inner.by_ref().take(length).read_to_end(&mut bytes).map_err(io)?;
        if read != wanted {
            return Err(SuppressionError::SnapshotDamaged("cut short"));
        }
        self.sum.update(&bytes);
        Ok(bytes)
    }
}

fn io(error: std::io::Error) -> SuppressionError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => SuppressionError::SnapshotDamaged("cut short"),
        _ => SuppressionError::Io(error.to_string()),
    }
}
