//! What is found for an address.

use std::sync::Arc;

/// A row that was found for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The names of the columns.
    pub columns: Arc<[String]>,
    /// Their values; none: NULL.
    pub cells: Vec<Option<String>>,
}
