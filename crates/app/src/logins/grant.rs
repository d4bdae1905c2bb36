//! Access tokens by the client credentials grant (RFC 6749 s4.4): a form is posted to the token
//! endpoint, and the answer is JSON.

use std::time::Duration;

use observe::Secret;
use serde_json::Value;
use url::form_urlencoded;

use super::fetched::Fetched;
use super::mask::masked;
use crate::config::TokenGrant;

/// For all of it.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer, in octets.
const ANSWER_MAX: usize = 1 << 20;
/// How long a token is kept of which the server does not say it (`expires_in` is only recommended,
/// RFC 6749 s5.1).
const UNKNOWN_LIFE: Duration = Duration::from_secs(300);
/// The longest life that is believed.
const LIFE_MAX: Duration = Duration::from_secs(86_400);

/// Asks for a token.
///
/// # Errors
/// Why there is none, without anything that is secret.
pub(super) async fn ask(grant: &TokenGrant) -> Result<Fetched, String> {
    let place = grant.client_secret.clone();
    let secret = match tokio::task::spawn_blocking(move || place.read()).await {
        Ok(read) => read.map_err(|error| error.to_string())?,
        Err(_) => return Err("nobody has time for it".to_owned()),
    };
    let asked = tokio::time::timeout(PATIENCE, post(grant, &secret)).await;
    let (is_good, answer) = match asked {
        Ok(answered) => answered?,
        Err(_) => return Err(format!("the token endpoint was silent for {PATIENCE:?}")),
    };
    read(is_good, &answer, secret.expose())
}

async fn post(grant: &TokenGrant, secret: &Secret<String>) -> Result<(bool, Vec<u8>), String> {
    let trusted = sources::Tls::Verified { ca: None };
    let client = sources::web_client(&trusted, &grant.url, PATIENCE)
        .map_err(|error| format!("the token endpoint: {error}"))?;
    let request = client
        .post(&grant.url)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(form(grant, secret));
    let mut answer = request.send().await.map_err(|error| {
        // Its own words repeat the URL and tell little; the innermost cause tells.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        format!("the token endpoint cannot be asked: {cause}")
    })?;
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err("the token endpoint's answer is too long".to_owned()),
            Ok(None) => return Ok((answer.status().is_success(), body)),
            Err(_) => return Err("the token endpoint's answer broke off".to_owned()),
        }
    }
}

fn form(grant: &TokenGrant, secret: &Secret<String>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("client_id", &grant.client_id);
    form.append_pair("client_secret", secret.expose());
    if let Some(scope) = &grant.scope {
        form.append_pair("scope", scope);
    }
    form.finish()
}

/// RFC 6749 s5.1 and s5.2.
fn read(is_good: bool, answer: &[u8], secret: &str) -> Result<Fetched, String> {
    let answer: Value = serde_json::from_slice(answer)
        .map_err(|_| "the token endpoint's answer is no JSON".to_owned())?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let token = text("access_token").filter(|token| is_good && !token.is_empty());
    let Some(token) = token else {
        let error = text("error").unwrap_or("an answer without a token");
        let more = text("error_description").map(|more| format!(": {more}")).unwrap_or_default();
        let said = masked(&format!("{error}{more}"), &[secret]);
        return Err(format!("the token endpoint refuses: {said}"));
    };
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("the token endpoint's token is no bearer token".to_owned());
    }
    let life = match answer.get("expires_in") {
        // Some servers put it in quotes.
        Some(Value::String(digits)) => digits.parse().ok(),
        Some(number) => number.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64),
        None => None,
    };
    let life = life.map_or(UNKNOWN_LIFE, Duration::from_secs).min(LIFE_MAX);
    Ok(Fetched { token: Secret::new(token.to_owned()), life })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(answer: &str) -> Result<(String, u64), String> {
        let fetched = read(true, answer.as_bytes(), "hunter2")?;
        Ok((fetched.token.expose().clone(), fetched.life.as_secs()))
    }

    #[test]
    fn answers() {
        let token = |life| Ok(("t0ken".to_owned(), life));
        let of = |rest: &str| life(&format!("{{\"access_token\":\"t0ken\"{rest}}}"));
        assert_eq!(of(",\"token_type\":\"Bearer\",\"expires_in\":3599"), token(3599));
        assert_eq!(of(",\"expires_in\":\"3599\",\"ext_expires_in\":1"), token(3599));
        assert_eq!(of(",\"expires_in\":3599.9"), token(3599));
        assert_eq!(of(""), token(300));
        assert_eq!(of(",\"expires_in\":-5"), token(300));
        assert_eq!(of(",\"expires_in\":1e300"), token(86_400));
        for (answer, told) in [
            ("<html>", "no JSON"),
            ("{}", "an answer without a token"),
            ("{\"access_token\":\"\"}", "an answer without a token"),
            ("{\"access_token\":\"x\",\"token_type\":\"mac\"}", "no bearer token"),
            (
                "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: not hunter2\"}",
                "refuses: invalid_client: AADSTS7000215: not ***",
            ),
        ] {
            let why = life(answer).unwrap_err();
            assert!(why.contains(told), "{answer}: {why}");
        }
        let refused = read(false, b"{\"access_token\":\"x\"}", "").map(drop).unwrap_err();
        assert!(refused.contains("without a token"), "{refused}");
    }
}
