//! Which smarthosts were tried for an envelope, and whether one more may be.
//!
//! A connection that was kept for too long says nothing about its smarthost: a fresh one to
//! the same place comes first. Whoever was lost otherwise is not asked again for this
//! envelope. So the number of tries has an end by itself; all the same there are at most one
//! more than there are smarthosts, because a client is waiting.

use crate::event::Wanted;
use crate::settings::{RouteId, SmarthostId};

#[derive(Debug, Default)]
pub(crate) struct Tries {
    route: RouteId,
    /// Connections that were asked for on this route.
    asked: usize,
    /// Those that failed us.
    avoid: Vec<SmarthostId>,
    /// The one whose kept connection was stale.
    refreshed: Option<SmarthostId>,
}

impl Tries {
    pub(crate) fn on(route: RouteId) -> Self {
        Self { route, ..Self::default() }
    }

    pub(crate) fn route(&self) -> RouteId {
        self.route
    }

    /// The first one.
    pub(crate) fn first(&mut self) -> Wanted {
        self.want(false)
    }

    /// Another one, where `all` smarthosts are known: `lost` does not do. `stale`: because its
    /// connection was old.
    pub(crate) fn another(&mut self, lost: SmarthostId, stale: bool, all: usize) -> Option<Wanted> {
        let fresh = stale && self.refreshed != Some(lost);
        if fresh {
            self.refreshed = Some(lost);
        } else if !self.avoid.contains(&lost) {
            self.avoid.push(lost);
        }
        (self.asked <= all && self.avoid.len() < all).then(|| self.want(fresh))
    }

    fn want(&mut self, fresh: bool) -> Wanted {
        self.asked += 1;
        Wanted { route: self.route, avoid: self.avoid.clone(), fresh, ..Wanted::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SmarthostId = SmarthostId(0);
    const B: SmarthostId = SmarthostId(1);

    #[test]
    fn a_stale_connection_is_replaced_once_and_free() {
        let mut tries = Tries::on(RouteId(3));
        assert_eq!(tries.first(), Wanted { route: RouteId(3), ..Wanted::default() });
        let wanted = tries.another(A, true, 1).unwrap();
        assert!(wanted.fresh && wanted.avoid.is_empty() && wanted.route == RouteId(3));
        assert_eq!(tries.another(A, true, 1), None, "stale again: it is the smarthost");
    }

    #[test]
    fn each_smarthost_is_lost_once_and_there_is_an_end() {
        let mut tries = Tries::default();
        tries.first();
        let wanted = tries.another(A, false, 2).unwrap();
        assert_eq!((wanted.avoid, wanted.fresh), (vec![A], false));
        let wanted = tries.another(B, true, 2).unwrap();
        assert_eq!((wanted.avoid, wanted.fresh), (vec![A], true));
        assert_eq!(tries.another(B, false, 2), None);
    }

    #[test]
    fn at_most_one_more_try_than_smarthosts() {
        let mut tries = Tries::default();
        tries.first();
        assert!(tries.another(A, true, 2).is_some());
        assert!(tries.another(A, false, 2).is_some());
        assert_eq!(tries.another(B, true, 2), None);
    }
}
