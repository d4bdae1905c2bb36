//! A client of HTTP that trusts whom the settings say, and goes nowhere else.

use std::time::Duration;

use super::access::Tls;
use super::error::RemoteError;
use super::tls;

/// A client for requests to `url`. It follows no redirect and uses no proxy: what it is given to
/// show or to say is for that server alone.
///
/// # Errors
/// [`RemoteError::Tls`] when there is nobody to trust.
pub fn web_client(tls: &Tls, url: &str, timeout: Duration) -> Result<reqwest::Client, RemoteError> {
    let server = host_of(url);
    // Even one that asks for no encryption is not built without it.
    let _ = tls::provider();
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeout)
        .timeout(timeout);
    if url.starts_with("https:")
        && let Some(config) = tls::client_config(tls, &server)?
    {
        builder = builder.use_preconfigured_tls(config).https_only(true);
    }
    builder.build().map_err(|error| RemoteError::Tls { server, what: error.to_string() })
}

/// Host and port, without what may be a secret behind them.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_named() {
        assert_eq!(
            host_of("https://u:p@chat.corp.example:8443/hooks/s3cret"),
            "chat.corp.example:8443"
        );
        assert_eq!(host_of("http://[::1]:80?x"), "[::1]:80");
    }
}
