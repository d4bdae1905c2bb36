//! Access tokens: kept while they are good, and fetched by one connection for all that wait.
//!
//! ```text
//!   fetched --80 % of its life--> due: the next connection fetches, the others go on with the old
//!      ^                           one --its life--> gone: all wait for who fetches
//!      +-------- refused by the smarthost: gone at once ---------+
//! ```
//!
//! Whoever waited while somebody else's try failed does not try again by itself: with the server of
//! the tokens away, a hundred sessions would each wait for it in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use observe::Secret;
use sources::Password;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::fetched::Fetched;
use super::{command, grant};
use crate::clock;
use crate::config::TokenPlace;

/// What a connection is told that needs a token; the log has the rest.
const NO_TOKEN: &str = "no token is to be had";

struct Kept {
    token: Secret<String>,
    /// From here on another one is fetched.
    due: Instant,
    /// From here on it is of no use.
    end: Instant,
    /// How often it was shown.
    shown: AtomicU32,
}

/// The tokens for one smarthost.
pub(super) struct Tokens {
    smarthost: String,
    place: TokenPlace,
    kept: ArcSwapOption<Kept>,
    /// Whether the last try to fetch one succeeded; held by who fetches.
    fetching: Arc<Mutex<bool>>,
    /// Tries that have ended.
    ended: AtomicU64,
}

impl Tokens {
    pub(super) fn new(smarthost: &str, place: TokenPlace) -> Self {
        Self {
            smarthost: smarthost.to_owned(),
            place,
            kept: ArcSwapOption::empty(),
            fetching: Arc::new(Mutex::new(true)),
            ended: AtomicU64::new(0),
        }
    }

    /// One that is good now.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Secret<String>, &'static str> {
        if let TokenPlace::File(path) = &self.place {
            return self.read(Password::File(path.clone())).await;
        }
        let ended = self.ended.load(Ordering::Acquire);
        let now = clock::instant();
        let kept = self.kept.load_full().filter(|kept| now < kept.end);
        if let Some(kept) = kept.as_ref().filter(|kept| now < kept.due) {
            return Ok(kept.show());
        }
        let turn = match (Arc::clone(&self.fetching).try_lock_owned(), &kept) {
            (Ok(turn), _) => turn,
            (Err(_), Some(kept)) => return Ok(kept.show()),
            (Err(_), None) => Arc::clone(&self.fetching).lock_owned().await,
        };
        if self.ended.load(Ordering::Acquire) == ended {
            self.fetch(turn).await;
        } else if !*turn && kept.is_none() {
            return Err(NO_TOKEN);
        }
        let now = clock::instant();
        let kept = self.kept.load_full().filter(|kept| now < kept.end);
        kept.map(|kept| kept.show()).ok_or(NO_TOKEN)
    }

    /// The smarthost does not take it. Whether another one may help: not where it was new.
    pub(super) fn refused(&self) -> bool {
        let kept = self.kept.swap(None);
        kept.is_some_and(|kept| kept.shown.load(Ordering::Relaxed) > 1)
    }

    async fn read(&self, place: Password) -> Result<Secret<String>, &'static str> {
        match tokio::task::spawn_blocking(move || place.read()).await {
            Ok(Ok(token)) if token.expose().is_empty() => Err("the file of the token is empty"),
            Ok(Ok(token)) => Ok(token),
            Ok(Err(error)) => {
                tracing::warn!(smarthost = self.smarthost, %error, "the token cannot be read");
                Err(NO_TOKEN)
            }
            Err(_) => Err(NO_TOKEN),
        }
    }

    async fn fetch(self: &Arc<Self>, turn: OwnedMutexGuard<bool>) {
        let asked = clock::instant();
        match &self.place {
            TokenPlace::File(_) => {}
            TokenPlace::Command(argv) => {
                let (this, argv) = (Arc::clone(self), argv.clone());
                // It goes on when nobody waits for it any more: no second one beside it.
                let running = tokio::task::spawn_blocking(move || {
                    let outcome = command::run(&argv);
                    this.store(turn, asked, outcome);
                });
                let _ = running.await;
            }
            TokenPlace::Grant(grant) => {
                let outcome = grant::ask(grant).await;
                self.store(turn, asked, outcome);
            }
        }
    }

    fn store(
        &self,
        mut turn: OwnedMutexGuard<bool>,
        asked: Instant,
        outcome: Result<Fetched, String>,
    ) {
        *turn = outcome.is_ok();
        match outcome {
            Ok(Fetched { token, life }) => {
                let (due, end) = (asked + life * 4 / 5, asked + life);
                let kept = Kept { token, due, end, shown: AtomicU32::new(0) };
                self.kept.store(Some(Arc::new(kept)));
            }
            Err(why) => {
                tracing::warn!(smarthost = self.smarthost, "{NO_TOKEN}: {why}");
            }
        }
        self.ended.fetch_add(1, Ordering::Release);
    }
}

impl Kept {
    fn show(&self) -> Secret<String> {
        self.shown.fetch_add(1, Ordering::Relaxed);
        self.token.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// With a token that was fetched so long ago, and a program that gives out "new".
    async fn fetched(ago: Duration) -> Arc<Tokens> {
        let argv = vec!["echo".to_owned(), "new".to_owned()];
        let tokens = Arc::new(Tokens::new("main", TokenPlace::Command(argv)));
        let turn = Arc::clone(&tokens.fetching).lock_owned().await;
        let asked = clock::instant().checked_sub(ago).unwrap();
        let token = Secret::new("old".to_owned());
        tokens.store(turn, asked, Ok(Fetched { token, life: HOUR }));
        tokens
    }

    async fn token(tokens: &Arc<Tokens>) -> String {
        tokens.token().await.unwrap().expose().clone()
    }

    #[tokio::test]
    async fn a_token_is_renewed_at_four_fifths_of_its_life() {
        assert_eq!(token(&fetched(Duration::ZERO).await).await, "old");
        assert_eq!(token(&fetched(HOUR * 3 / 4).await).await, "old");
        assert_eq!(token(&fetched(HOUR * 5 / 6).await).await, "new");
        assert_eq!(token(&fetched(HOUR * 2).await).await, "new");
    }

    #[tokio::test]
    async fn while_one_fetches_the_others_go_on_with_the_old_one() {
        let tokens = fetched(HOUR * 5 / 6).await;
        let turn = Arc::clone(&tokens.fetching).lock_owned().await;
        assert_eq!(token(&tokens).await, "old");
        drop(turn);
        assert_eq!(token(&tokens).await, "new");
    }

    #[tokio::test]
    async fn while_it_is_good_the_old_one_outlives_a_try_that_failed() {
        let tokens = fetched(HOUR * 5 / 6).await;
        let asked = clock::instant();
        let turn = Arc::clone(&tokens.fetching).lock_owned().await;
        tokens.store(turn, asked, Err("away".to_owned()));
        let turn = Arc::clone(&tokens.fetching).lock_owned().await;
        assert!(!*turn);
        assert_eq!(token(&tokens).await, "old");
    }

    #[tokio::test]
    async fn what_the_smarthost_refused_is_gone() {
        let tokens = fetched(Duration::ZERO).await;
        assert_eq!(token(&tokens).await, "old");
        assert!(!tokens.refused(), "it was shown for the first time");
        assert_eq!(token(&tokens).await, "new");
        assert_eq!(token(&tokens).await, "new");
        assert!(tokens.refused());
    }
}
