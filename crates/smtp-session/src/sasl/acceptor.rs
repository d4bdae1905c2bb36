//! The server's side of an exchange.
//!
//! ```text
//!   PLAIN:  Begin --message--> Verifying --verified--> Over
//!   LOGIN:  Begin --> LoginName --name--> LoginPassword --password--> Verifying --> Over
//!   SCRAM:  Begin --client-first--> WantsKeys --keys--> WantsProof --client-final-->
//!           WantsNothing --empty--> Over
//! ```
//!
//! SMTP carries no data with 235, so the server's last word in SCRAM is one more challenge,
//! which the client answers by an empty line (RFC 4954 s4). Whether a user exists shows in
//! no message and in no branch: the driver answers for unknown ones as well.

use std::fmt;

use observe::Secret;

use super::attributes::{Attributes, Gs2, from_base64, is_nonce, to_base64, unescape};
use super::mechanism::Mechanism;
use super::prepared::prepare;
use super::scram::ScramKeys;
use super::secret::SecretBytes;

/// A longer name is nobody's: RFC 4616 s2 asks for 255 octets at least.
const NAME_MAX: usize = 255;

/// A longer password is none: its hashing is slow on purpose.
const PASSWORD_MAX: usize = 1024;

/// What has to happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Send this to the client and give its response to [`Acceptor::respond`].
    Challenge(Vec<u8>),
    /// Is this the user's password? Answer by [`Acceptor::verified`].
    Verify {
        /// Who it says it is; [prepared](super::prepare), never empty.
        user: String,
        /// What it says to prove it; prepared UTF-8.
        password: SecretBytes,
    },
    /// Which keys has this user? Answer by [`Acceptor::keys`]; for an unknown user with
    /// made-up ones, always the same.
    Keys {
        /// Who it says it is; prepared, never empty.
        user: String,
    },
    /// The user has proven who it is.
    Accepted {
        /// Who it is.
        user: String,
    },
    /// The proof was wrong: 535.
    Rejected {
        /// Who it said it was.
        user: String,
    },
    /// The response breaks the rules of the mechanism: 501.
    Malformed,
}

enum State {
    Begin,
    LoginName,
    LoginPassword { name: String },
    Verifying { user: String },
    WantsKeys(First),
    WantsProof(Box<Proving>),
    WantsNothing { user: String },
    Over,
}

/// The client's first message in SCRAM.
struct First {
    user: String,
    /// It wants to be itself.
    is_itself: bool,
    /// `gs2-header`, whose base64 is `c=`.
    header: String,
    /// `client-first-message-bare`
    bare: String,
    nonce: String,
}

struct Proving {
    first: First,
    /// `server-first-message`
    server_first: String,
    /// The client's nonce and ours.
    nonce: String,
    keys: ScramKeys,
    known: bool,
}

/// The server's side of one exchange. What was said in it is enough to try passwords on, so
/// debugging shows none of it.
pub struct Acceptor {
    mechanism: Mechanism,
    nonce: String,
    state: State,
}

impl Acceptor {
    /// `None` for mechanisms that need somebody else's tokens. `nonce`: printable ASCII
    /// without commas, never used before.
    pub fn new(mechanism: Mechanism, nonce: String) -> Option<Self> {
        let known =
            matches!(mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::ScramSha256);
        (known && is_nonce(&nonce)).then_some(Self { mechanism, nonce, state: State::Begin })
    }

    /// Begins, with the initial response if there was one. LOGIN has none by its
    /// descriptions, but several clients send the name in it.
    pub fn start(&mut self, initial: Option<&[u8]>) -> Turn {
        match (self.mechanism, initial) {
            (_, Some(initial)) => self.respond(initial),
            (Mechanism::Login, None) => {
                self.state = State::LoginName;
                Turn::Challenge(b"Username:".to_vec())
            }
            // RFC 4954 s4: the client speaks first, so it gets an empty challenge.
            (_, None) => Turn::Challenge(Vec::new()),
        }
    }

    /// The client's answer to a challenge.
    pub fn respond(&mut self, response: &[u8]) -> Turn {
        let state = std::mem::replace(&mut self.state, State::Over);
        let turn = match (state, self.mechanism) {
            (State::Begin, Mechanism::Plain) => self.plain(response),
            (State::Begin, Mechanism::ScramSha256) => self.client_first(response),
            (State::Begin | State::LoginName, _) => self.login_name(response),
            (State::LoginPassword { name }, _) => self.login_password(&name, response),
            (State::WantsProof(proving), _) => self.client_final(*proving, response),
            (State::WantsNothing { user }, _) if response.is_empty() => {
                Some(Turn::Accepted { user })
            }
            _ => None,
        };
        turn.unwrap_or(Turn::Malformed)
    }

    /// `message = [authzid] UTF8NUL authcid UTF8NUL passwd` (RFC 4616 s2).
    fn plain(&mut self, response: &[u8]) -> Option<Turn> {
        let text = std::str::from_utf8(response).ok()?;
        let mut parts = text.split('\0');
        let (authzid, name, password) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || name.is_empty() || password.is_empty() {
            return None;
        }
        let authzid = Some(authzid).filter(|authzid| !authzid.is_empty());
        Some(self.ask_password(authzid, name, password))
    }

    fn login_name(&mut self, response: &[u8]) -> Option<Turn> {
        let name = text_of(response)?;
        self.state = State::LoginPassword { name: name.to_owned() };
        Some(Turn::Challenge(b"Password:".to_vec()))
    }

    fn login_password(&mut self, name: &str, response: &[u8]) -> Option<Turn> {
        let password = text_of(response)?;
        Some(self.ask_password(None, name, password))
    }

    /// A name or password without a prepared form is nobody's (RFC 4616 s2), and nobody may
    /// be somebody else. Neither depends on who exists.
    fn ask_password(&mut self, authzid: Option<&str>, name: &str, password: &str) -> Turn {
        let rejected = || Turn::Rejected { user: name.chars().take(NAME_MAX).collect() };
        if name.len() > NAME_MAX || password.len() > PASSWORD_MAX {
            return rejected();
        }
        let (Some(user), Some(password)) = (prepare(name), prepare(password)) else {
            return rejected();
        };
        if !authzid.is_none_or(|authzid| is_same(authzid, &user)) {
            return rejected();
        }
        self.state = State::Verifying { user: user.clone().into_owned() };
        let password = Secret::new(password.into_owned().into_bytes());
        Turn::Verify { user: user.into_owned(), password }
    }

    /// `client-first-message = gs2-header [reserved-mext ","] username "," nonce ["," extensions]`
    fn client_first(&mut self, response: &[u8]) -> Option<Turn> {
        let gs2 = Gs2::parse(std::str::from_utf8(response).ok()?)?;
        let mut attributes = Attributes::new(gs2.rest);
        let name = unescape(attributes.take('n')?)?;
        let nonce = attributes.take('r').filter(|nonce| is_nonce(nonce))?;
        attributes.only_extensions()?;
        let Some(user) = prepare(&name).filter(|_| name.len() <= NAME_MAX) else {
            return Some(Turn::Rejected { user: name.chars().take(NAME_MAX).collect() });
        };
        let user = user.into_owned();
        self.state = State::WantsKeys(First {
            is_itself: gs2.authzid.is_none_or(|authzid| is_same(&authzid, &user)),
            user: user.clone(),
            header: gs2.header.to_owned(),
            bare: gs2.rest.to_owned(),
            nonce: nonce.to_owned(),
        });
        Some(Turn::Keys { user })
    }

    /// `client-final-message = channel-binding "," nonce ["," extensions] "," proof`
    fn client_final(&mut self, proving: Proving, response: &[u8]) -> Option<Turn> {
        let Proving { first, server_first, nonce, keys, known } = proving;
        let message = std::str::from_utf8(response).ok()?;
        let (without_proof, proof) = message.rsplit_once(",p=")?;
        let mut attributes = Attributes::new(without_proof);
        let binding = from_base64(attributes.take('c')?)?;
        let said = attributes.take('r')?;
        attributes.only_extensions()?;
        let proof: [u8; 32] = from_base64(proof)?.try_into().ok()?;
        if binding != first.header.as_bytes() || said != nonce {
            return None;
        }
        let auth_message = format!("{},{server_first},{without_proof}", first.bare);
        let proven = keys.proves(auth_message.as_bytes(), &proof);
        if !(proven & known & first.is_itself) {
            return Some(Turn::Rejected { user: first.user });
        }
        self.state = State::WantsNothing { user: first.user };
        let signature = to_base64(&keys.signature(auth_message.as_bytes()));
        Some(Turn::Challenge(format!("v={signature}").into_bytes()))
    }

    /// The answer to [`Turn::Verify`].
    pub fn verified(&mut self, right: bool) -> Turn {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Verifying { user } if right => Turn::Accepted { user },
            State::Verifying { user } => Turn::Rejected { user },
            _ => Turn::Malformed,
        }
    }

    /// The answer to [`Turn::Keys`]. `known`: the keys are a real user's.
    pub fn keys(&mut self, keys: ScramKeys, known: bool) -> Turn {
        let State::WantsKeys(first) = std::mem::replace(&mut self.state, State::Over) else {
            return Turn::Malformed;
        };
        let nonce = format!("{}{}", first.nonce, self.nonce);
        let salt = to_base64(&keys.salt);
        let server_first = format!("r={nonce},s={salt},i={}", keys.iterations);
        let challenge = server_first.clone().into_bytes();
        let proving = Proving { first, server_first, nonce, keys, known };
        self.state = State::WantsProof(Box::new(proving));
        Turn::Challenge(challenge)
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

fn is_same(authzid: &str, user: &str) -> bool {
    prepare(authzid).is_some_and(|authzid| authzid == user)
}

/// `1*SAFE` of RFC 4616: UTF-8 without NUL, and something.
fn text_of(response: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(response).ok()?;
    (!text.is_empty() && !text.contains('\0')).then_some(text)
}
