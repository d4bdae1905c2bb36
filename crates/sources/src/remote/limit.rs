//! The time that a server gets for an answer.

use std::time::Duration;

use super::error::RemoteError;

/// Waits for `answer` no longer than `limit`.
pub(super) async fn within<T>(
    server: &str,
    limit: Duration,
    answer: impl Future<Output = Result<T, RemoteError>>,
) -> Result<T, RemoteError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(RemoteError::Timeout { server: server.to_owned(), limit }),
    }
}
