//! The connection to the smarthost as a session sees it: not there, asked for, or
//! there, and then in one of the three states that `upstream` tells apart.

use address::ReversePath;
use smtp_session::{ClientEvent, Moment};
use smtp_wire::{MailParams, RcptParams};

use crate::upstream::{Introduction, Offer, TakenBack, Tentative, Transaction, Upstream};

#[derive(Debug, Default)]
pub(crate) enum Link {
    #[default]
    None,
    Asked,
    /// Here, and not yet told of this transaction.
    Open(Box<Upstream>),
    /// In a transaction with cleared recipients.
    Cleared(Transaction),
    /// In a transaction that must not get DATA before the header has decided.
    Tentative(Tentative),
}

impl Link {
    /// What can be done with a connection whatever it was shown.
    pub(crate) fn connection(&self) -> Option<&Upstream> {
        match self {
            Self::None | Self::Asked => None,
            Self::Open(upstream) => Some(upstream),
            Self::Cleared(transaction) => Some(transaction.connection()),
            Self::Tentative(tentative) => Some(tentative.connection()),
        }
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut Upstream> {
        match self {
            Self::None | Self::Asked => None,
            Self::Open(upstream) => Some(upstream),
            Self::Cleared(transaction) => Some(transaction.connection_mut()),
            Self::Tentative(tentative) => Some(tentative.connection_mut()),
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<ClientEvent> {
        match self {
            Self::None | Self::Asked => None,
            Self::Open(upstream) => upstream.poll_event(),
            Self::Cleared(transaction) => transaction.poll_event(),
            Self::Tentative(tentative) => tentative.poll_event(),
        }
    }

    /// An earlier transaction was on this connection, and nothing was heard of this one: should
    /// it be lost now, then because it was kept for too long.
    pub(crate) fn is_stale(&self) -> bool {
        match self {
            Self::None | Self::Asked => false,
            Self::Open(upstream) => upstream.was_used(),
            Self::Cleared(one) => one.connection().is_reused() && !one.is_heard(),
            Self::Tentative(one) => one.connection().is_reused() && !one.is_heard(),
        }
    }

    /// MAIL on a connection that was not yet told of this transaction.
    pub(crate) fn begin(
        &mut self,
        now: Moment,
        introduction: Option<Introduction>,
        from: &ReversePath,
        params: &MailParams,
    ) {
        *self = match std::mem::take(self) {
            Self::Open(upstream) => Self::Cleared(upstream.begin(now, introduction, from, params)),
            other => other,
        };
    }

    /// RCPT in a transaction that was begun.
    pub(crate) fn rcpt(&mut self, now: Moment, tag: u32, to: Offer, params: &RcptParams) {
        *self = match (std::mem::take(self), to) {
            (Self::Cleared(mut transaction), Offer::Cleared(to)) => {
                transaction.rcpt(now, tag, to, params);
                Self::Cleared(transaction)
            }
            (Self::Cleared(transaction), to @ Offer::Provisional(_)) => {
                let mut tentative = Tentative::from(transaction);
                tentative.rcpt(now, tag, to, params);
                Self::Tentative(tentative)
            }
            (Self::Tentative(mut tentative), to) => {
                tentative.rcpt(now, tag, to, params);
                Self::Tentative(tentative)
            }
            (other @ (Self::None | Self::Asked | Self::Open(_)), _) => other,
        };
    }

    /// The connection, its transaction left open, and whom it was shown.
    pub(crate) fn take_back(self) -> Option<TakenBack> {
        match self {
            Self::None | Self::Asked => None,
            Self::Open(upstream) => Some((upstream, Vec::new())),
            Self::Cleared(transaction) => Some(transaction.take_back()),
            Self::Tentative(tentative) => Some(tentative.take_back()),
        }
    }

    /// The connection, its transaction left open.
    pub(crate) fn abandon(self) -> Option<Box<Upstream>> {
        self.take_back().map(|(upstream, _)| upstream)
    }
}
