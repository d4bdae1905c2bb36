//! What is found for an address.

use std::sync::Arc;

/// Rows for one address. A question that finds more is not one about a person.
pub(super) const ROWS_MAX: usize = 1000;

/// A row that was found for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The names of the columns.
    pub columns: Arc<[String]>,
    /// Their values; none: NULL.
    pub cells: Vec<Option<String>>,
}
