//! The message as a POST of JSON to a URL of the operator's.

use std::time::Duration;

/// For all of it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Posts the message. Only an answer of 2xx counts.
///
/// # Errors
/// Why it was not taken. The URL is not in it: such URLs are secrets themselves.
pub(super) async fn post(url: &str, token: Option<&str>, json: String) -> Result<(), String> {
    let client = sources::web_client(&sources::Tls::Verified { ca: None }, url, PATIENCE)
        .map_err(|error| error.to_string())?;
    let mut request = client.post(url).header("content-type", "application/json").body(json);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("the webhook answered {status}")) }
}
