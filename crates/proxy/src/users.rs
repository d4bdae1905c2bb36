//! Who the clients are: whoever knows the users answers, and is told how logins ended.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use observe::Redacted;
use relay::{Answer, AuthAnswer, AuthQuestion, Relay, SessionFacts};
use smtp_session::Moment;

use crate::counters::Counters;

/// The answer to a question about a user, on its way.
pub type Verifying = Pin<Box<dyn Future<Output = AuthAnswer> + Send>>;

/// Knows the users. What it does takes the same time whether there is such a user or not, and
/// keeps no thread of the sessions busy.
pub trait Users: Send + Sync {
    /// Whether a password is right, or which keys somebody has. `client`: for counting failures.
    fn ask(&self, client: IpAddr, question: AuthQuestion) -> Verifying;

    /// A login ended, by whatever mechanism. Without a user, when it cannot be told who it was.
    fn ended(&self, client: IpAddr, user: Option<&str>, accepted: bool);
}

/// The question of one session; one at a time.
#[derive(Default)]
pub(crate) struct Authenticating(Option<Verifying>);

impl Authenticating {
    /// Asks. Without anybody who knows the users, nobody can be told from anybody.
    pub(crate) fn ask(
        &mut self,
        users: Option<&dyn Users>,
        client: IpAddr,
        question: AuthQuestion,
    ) {
        self.0 = Some(match users {
            Some(users) => users.ask(client, question),
            None => Box::pin(std::future::ready(AuthAnswer::Unavailable)),
        });
    }

    /// Hands the answer to the relay, once it is there; true when it was.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, relay: &mut Relay, now: Moment) -> bool {
        if relay.is_finished() {
            self.0 = None;
        }
        let Some(verifying) = &mut self.0 else { return false };
        let Poll::Ready(answer) = verifying.as_mut().poll(cx) else { return false };
        self.0 = None;
        relay.answer(now, Answer::Authenticated(answer));
        true
    }
}

/// Counts, logs and tells how a login ended.
pub(crate) fn ended(
    users: Option<&dyn Users>,
    counters: &Counters,
    facts: &SessionFacts,
    user: Option<&str>,
    accepted: bool,
) {
    let (session, client, login) =
        (&facts.id, Redacted(facts.client), Redacted(user.unwrap_or("?")));
    if accepted {
        counters.logins.count();
        tracing::info!(%session, %client, %login, "logged in");
    } else {
        counters.logins_refused.count();
        tracing::warn!(%session, %client, %login, "login refused");
    }
    if let Some(users) = users {
        users.ended(facts.client, user, accepted);
    }
}
