//! The filters of a listener's messages: gates over decoded content, milters, and whoever signs.
//!
//! `relay` shows the steps of a transaction and is told the verdicts; here is who gives them.
//! Each session has its own [`Filtering`], which its driver polls: steps are answered one after
//! another, and nothing runs that the session does not wait for, except for work on the blocking
//! pool that somebody has stopped waiting for.

mod attendance;
mod caller;
mod chain;
mod changed;
mod content;
mod link;
mod milter;
mod settings;
mod showing;
mod verdict;
mod workers;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use relay::{FilterAnswer, FilterStep, SessionFacts};

use crate::clock::Clock;
use chain::{Chain, Job};

pub use milter::{Milter, MilterAddress, MilterHealth, MilterSettings, OnFailure};
pub use settings::{FilterSettings, Signer};

type Asked = Pin<Box<dyn Future<Output = (Box<Chain>, FilterAnswer)> + Send>>;

/// The filters of one session.
pub(crate) struct Filtering {
    settings: Arc<FilterSettings>,
    clock: Clock,
    hostname: Arc<str>,
    /// While nothing runs; made anew where the one before was cancelled.
    chain: Option<Box<Chain>>,
    /// With the number of its transaction.
    running: Option<(u64, Asked)>,
    waiting: VecDeque<(u64, Job)>,
}

impl Filtering {
    /// Nothing is contacted yet. `hostname`: ours.
    pub(crate) fn new(settings: Arc<FilterSettings>, clock: Clock, hostname: &str) -> Self {
        Self {
            settings,
            clock,
            hostname: hostname.into(),
            chain: None,
            running: None,
            waiting: VecDeque::new(),
        }
    }

    /// One more step of the transaction of that number; `facts` as they are now.
    pub(crate) fn add(&mut self, number: u64, step: FilterStep, facts: &SessionFacts) {
        let job = match step {
            FilterStep::Mail(mail) => Job::Mail(mail, Box::new(facts.clone())),
            FilterStep::Recipient { tag, path, params } => {
                Job::Recipient(tag, Box::new((path, params)))
            }
            FilterStep::Piece(piece) => Job::Piece(piece),
            FilterStep::Content(content) => Job::Content(content),
            FilterStep::Abort => return self.abort(number),
        };
        self.waiting.push_back((number, job));
    }

    /// The next answer, with the number of its transaction.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(u64, FilterAnswer)> {
        if self.running.is_none() {
            let Some((number, job)) = self.waiting.pop_front() else { return Poll::Pending };
            let mut chain = self.chain.take().unwrap_or_else(|| {
                let (settings, hostname) = (Arc::clone(&self.settings), Arc::clone(&self.hostname));
                Box::new(Chain::new(settings, self.clock, hostname))
            });
            let asked = async move {
                let answer = chain.asked(job).await;
                (chain, answer)
            };
            self.running = Some((number, Box::pin(asked)));
        }
        let Some((number, running)) = &mut self.running else { return Poll::Pending };
        let Poll::Ready((chain, answer)) = running.as_mut().poll(cx) else { return Poll::Pending };
        let number = *number;
        self.running = None;
        self.chain = Some(chain);
        Poll::Ready((number, answer))
    }

    /// Nobody waits for answers any more; milters are told that the session is over.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.running = None;
        self.chain = None;
    }

    fn abort(&mut self, number: u64) {
        self.waiting.retain(|(waiting, _)| *waiting != number);
        match &self.running {
            // Its connections are in the middle of a question, and are closed with it.
            Some((running, _)) if *running == number => self.running = None,
            Some(_) => {}
            None => {
                if let Some(chain) = &mut self.chain {
                    chain.abort();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
