//! How the gate logs in to smarthosts: passwords that are read where they stand, and access tokens
//! (OAuth 2.0) that are fetched, kept while they are good and fetched again before they are not.
//!
//! Nothing of a secret is in an error or a log: what is told is where it was looked for and what
//! was wrong there.

mod command;
mod fetched;
mod grant;
mod mask;
mod tokens;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use observe::Secret;
use proxy::{Providing, SmarthostLogin};
use smtp_session::Login;
use smtp_session::sasl::Credentials;
use sources::Password;

use crate::chance;
use crate::config::{LoginSecret, LoginSettings};
use tokens::Tokens;

/// How a gate logs in to `smarthost`.
pub(crate) fn of(smarthost: &str, settings: &LoginSettings) -> Arc<dyn SmarthostLogin> {
    let proof = match &settings.secret {
        LoginSecret::Password(place) => Proof::Password(place.clone()),
        LoginSecret::Token(place) => Proof::Token(Arc::new(Tokens::new(smarthost, place.clone()))),
    };
    Arc::new(OwnLogin { smarthost: smarthost.to_owned(), settings: settings.clone(), proof })
}

struct OwnLogin {
    smarthost: String,
    settings: LoginSettings,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    Password(Password),
    Token(Arc<Tokens>),
}

impl fmt::Debug for OwnLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnLogin").field("smarthost", &self.smarthost).finish_non_exhaustive()
    }
}

impl SmarthostLogin for OwnLogin {
    fn login(&self) -> Providing {
        let (smarthost, settings) = (self.smarthost.clone(), self.settings.clone());
        let proof = self.proof.clone();
        Box::pin(async move {
            let user = settings.user;
            let credentials = match proof {
                Proof::Password(place) => {
                    let password = password(&smarthost, place).await?;
                    Credentials::Password { user, password }
                }
                Proof::Token(tokens) => Credentials::Token { user, token: tokens.token().await? },
            };
            let nonce = chance::bytes::<24>().map_err(|_| "there is no chance to be had")?;
            Ok(Login {
                credentials,
                only: settings.mechanism,
                without_tls: settings.without_tls,
                nonce: STANDARD.encode(nonce),
            })
        })
    }

    fn refused(&self) -> bool {
        match &self.proof {
            // It was read just now.
            Proof::Password(_) => false,
            Proof::Token(tokens) => tokens.refused(),
        }
    }
}

async fn password(smarthost: &str, place: Password) -> Result<Secret<String>, &'static str> {
    let read = tokio::task::spawn_blocking(move || place.read()).await;
    match read {
        Ok(Ok(password)) if password.expose().is_empty() => Err("the password is empty"),
        Ok(Ok(password)) => Ok(password),
        Ok(Err(error)) => {
            tracing::warn!(smarthost, %error, "the password cannot be read");
            Err("the password cannot be read")
        }
        // Only when the gate ends.
        Err(_) => Err("nobody has time to read the password"),
    }
}

#[cfg(test)]
mod tests;
