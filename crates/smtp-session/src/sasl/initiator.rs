//! The client's side of an exchange.
//!
//! ```text
//!   PLAIN, OAUTHBEARER, XOAUTH2:  Begin --initial--> Told
//!   LOGIN:  Begin --"Username:"--> NameTold --"Password:"--> Told
//!   SCRAM:  Begin --initial--> Greeted --server-first--> Deriving --derived--> Proving
//!           --server-final--> Told
//! ```
//!
//! In SCRAM the server has to prove something too: that it knows the user (RFC 5802 s3).
//! Whoever stands in its place and says 235 to everything does not get mail.

use std::fmt;

use observe::Secret;

use super::attributes::{Attributes, escape, from_base64, is_nonce, to_base64};
use super::mechanism::Mechanism;
use super::prepared::prepare;
use super::scram::{ITERATIONS_MAX, ITERATIONS_MIN, SaltedPassword, ScramWork, same};
use super::secret::SecretBytes;

/// What optgate proves itself to a smarthost with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// PLAIN, LOGIN, SCRAM-SHA-256.
    Password {
        /// The user.
        user: String,
        /// Its password.
        password: Secret<String>,
    },
    /// OAUTHBEARER, XOAUTH2.
    Token {
        /// The mailbox or account the token is for.
        user: String,
        /// An access token that is valid now.
        token: Secret<String>,
    },
}

impl Credentials {
    fn fit(&self, mechanism: Mechanism) -> bool {
        match self {
            Self::Password { user, password } => match mechanism {
                Mechanism::Plain | Mechanism::Login => true,
                // RFC 5802 s2.2: without a prepared form there is nothing to hash.
                Mechanism::ScramSha256 => {
                    prepare(user).is_some() && prepare(password.expose()).is_some()
                }
                Mechanism::OauthBearer | Mechanism::XOauth2 => false,
            },
            Self::Token { .. } => {
                matches!(mechanism, Mechanism::OauthBearer | Mechanism::XOauth2)
            }
        }
    }

    /// No control character in any part: they end the parts of every mechanism's messages.
    fn are_clean(&self) -> bool {
        let (user, secret) = match self {
            Self::Password { user, password: secret } | Self::Token { user, token: secret } => {
                (user, secret.expose())
            }
        };
        let clean = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        clean(user) && clean(secret)
    }
}

/// What to do about a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// Send this.
    Send(SecretBytes),
    /// Do this, where a thread may be kept busy, and give what it comes to to
    /// [`Initiator::derived`].
    Derive(ScramWork),
    /// Break the exchange off: why, for the log.
    Cancel(&'static str),
}

enum State {
    Begin,
    NameTold,
    /// SCRAM: the client's first message, without its header.
    Greeted {
        bare: String,
    },
    Deriving {
        auth_message: String,
        without_proof: String,
    },
    Proving {
        server_signature: [u8; 32],
    },
    /// Everything was said; `true`: and what the server had to prove was proven.
    Told(bool),
}

/// The client's side of one exchange. What was said in it is enough to try passwords on, so
/// debugging shows none of it.
pub struct Initiator {
    mechanism: Mechanism,
    credentials: Credentials,
    nonce: String,
    state: State,
}

impl Initiator {
    /// The best of the mechanisms that `offered` (upper-case names) and the credentials have in
    /// common; `only` restricts the choice. `nonce`: printable ASCII without commas, never used
    /// before. `None` also for credentials with control characters.
    pub fn choose(
        offered: &[String],
        only: Option<Mechanism>,
        credentials: Credentials,
        nonce: String,
    ) -> Option<Self> {
        if !credentials.are_clean() || !is_nonce(&nonce) {
            return None;
        }
        let known = offered.iter().filter_map(|name| name.parse::<Mechanism>().ok());
        let wanted = known.filter(|mechanism| only.is_none_or(|only| only == *mechanism));
        let mechanism = wanted.filter(|mechanism| credentials.fit(*mechanism)).min()?;
        Some(Self { mechanism, credentials, nonce, state: State::Begin })
    }

    /// Which one it is.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The initial response, sent along with AUTH or as the answer to an empty challenge; `None`
    /// where the server speaks first. To be called once.
    pub fn initial(&mut self) -> Option<SecretBytes> {
        if !matches!(self.state, State::Begin) {
            return None;
        }
        let (message, state) = match (self.mechanism, &self.credentials) {
            (Mechanism::Plain, Credentials::Password { user, password }) => {
                (format!("\0{user}\0{}", password.expose()), State::Told(true))
            }
            (Mechanism::ScramSha256, Credentials::Password { user, .. }) => {
                let bare = format!("n={},r={}", escape(&prepare(user)?), self.nonce);
                (format!("n,,{bare}"), State::Greeted { bare })
            }
            // RFC 7628 s3.1
            (Mechanism::OauthBearer, Credentials::Token { user, token }) => {
                let (user, token) = (escape(user), token.expose());
                (format!("n,a={user},\x01auth=Bearer {token}\x01\x01"), State::Told(true))
            }
            (Mechanism::XOauth2, Credentials::Token { user, token }) => {
                let token = token.expose();
                (format!("user={user}\x01auth=Bearer {token}\x01\x01"), State::Told(true))
            }
            _ => return None,
        };
        self.state = state;
        Some(Secret::new(message.into_bytes()))
    }

    /// The response to a challenge.
    pub fn respond(&mut self, challenge: &[u8]) -> Response {
        match std::mem::replace(&mut self.state, State::Told(false)) {
            State::Begin if self.mechanism == Mechanism::Login => self.tell_name(),
            State::NameTold => self.tell_password(),
            State::Greeted { bare } => self.server_first(&bare, challenge),
            State::Proving { server_signature } => self.server_final(&server_signature, challenge),
            State::Told(_) => self.after_refusal(),
            State::Begin | State::Deriving { .. } => Response::Cancel(OUT_OF_TURN),
        }
    }

    fn tell_name(&mut self) -> Response {
        let Credentials::Password { user, .. } = &self.credentials else {
            return Response::Cancel(OUT_OF_TURN);
        };
        self.state = State::NameTold;
        send(user.clone())
    }

    fn tell_password(&mut self) -> Response {
        let Credentials::Password { password, .. } = &self.credentials else {
            return Response::Cancel(OUT_OF_TURN);
        };
        self.state = State::Told(true);
        send(password.expose().clone())
    }

    /// A token that is not taken is answered by a challenge that says why, and the refusal
    /// itself comes after our word to that (RFC 7628 s3.2.3): one octet in the standard's
    /// mechanism, nothing in the other. The others have nothing more to say.
    fn after_refusal(&self) -> Response {
        match self.mechanism {
            Mechanism::OauthBearer => send("\x01".to_owned()),
            Mechanism::XOauth2 => send(String::new()),
            _ => Response::Cancel(OUT_OF_TURN),
        }
    }

    /// `server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," ext]`
    fn server_first(&mut self, bare: &str, challenge: &[u8]) -> Response {
        let Credentials::Password { password, .. } = &self.credentials else {
            return Response::Cancel(OUT_OF_TURN);
        };
        let Some(first) = ServerFirst::parse(challenge) else {
            return Response::Cancel("what it says is not SCRAM");
        };
        // RFC 5802 s5.1: ours, and something behind it.
        let fresh = first.nonce.strip_prefix(self.nonce.as_str());
        if fresh.is_none_or(str::is_empty) {
            return Response::Cancel("its nonce does not begin with ours");
        }
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&first.iterations) {
            return Response::Cancel("its number of SCRAM rounds is out of bounds");
        }
        let Some(password) = prepare(password.expose()) else {
            return Response::Cancel("the password has no prepared form");
        };
        let password = Secret::new(password.into_owned());
        // `c=biws` is the header `n,,`.
        let without_proof = format!("c=biws,r={}", first.nonce);
        let auth_message = format!("{bare},{},{without_proof}", first.message);
        self.state = State::Deriving { auth_message, without_proof };
        Response::Derive(ScramWork { password, salt: first.salt, iterations: first.iterations })
    }

    /// What [`Response::Derive`] came to: the response to send.
    pub fn derived(&mut self, salted: &SaltedPassword) -> Response {
        let state = std::mem::replace(&mut self.state, State::Told(false));
        let State::Deriving { auth_message, without_proof } = state else {
            return Response::Cancel(OUT_OF_TURN);
        };
        let (proof, server_signature) = salted.proofs(auth_message.as_bytes());
        self.state = State::Proving { server_signature };
        send(format!("{without_proof},p={}", to_base64(&proof)))
    }

    /// `server-final-message = (server-error / verifier) ["," extensions]`
    fn server_final(&mut self, expected: &[u8; 32], challenge: &[u8]) -> Response {
        let Ok(message) = std::str::from_utf8(challenge) else {
            return Response::Cancel("what it says is not SCRAM");
        };
        if message.starts_with("e=") {
            return Response::Cancel("it does not take the password");
        }
        let mut attributes = Attributes::new(message);
        let signature = attributes.take('v').and_then(from_base64).unwrap_or_default();
        if attributes.only_extensions().is_none() || !same(&signature, expected) {
            return Response::Cancel("it did not prove that it knows the user");
        }
        self.state = State::Told(true);
        send(String::new())
    }

    /// 235 came: whether everything was said, and everything that the server had to prove was
    /// proven (RFC 5802 s3).
    pub fn is_satisfied(&self) -> bool {
        matches!(self.state, State::Told(true))
    }
}

fn send(message: String) -> Response {
    Response::Send(Secret::new(message.into_bytes()))
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initiator").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

const OUT_OF_TURN: &str = "it asks for more than the mechanism has";

struct ServerFirst<'a> {
    message: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> ServerFirst<'a> {
    fn parse(challenge: &'a [u8]) -> Option<Self> {
        let message = std::str::from_utf8(challenge).ok()?;
        let mut attributes = Attributes::new(message);
        let nonce = attributes.take('r').filter(|nonce| is_nonce(nonce))?;
        let salt = from_base64(attributes.take('s')?)?;
        let digits = attributes.take('i')?;
        attributes.only_extensions()?;
        let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        let iterations = digits.parse().ok().filter(|_| plain)?;
        Some(Self { message, nonce, salt, iterations })
    }
}
