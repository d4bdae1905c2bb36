//! One direction of a simulated connection: bytes in flight, cut anywhere.

use crate::dice::Dice;

/// Bytes under way from one side to the other.
#[derive(Debug, Default)]
pub struct Link {
    flying: Vec<u8>,
    closed: bool,
}

impl Link {
    /// The sender gives bytes to the network; after a close they vanish.
    pub fn send(&mut self, bytes: &mut Vec<u8>) {
        if !self.closed {
            self.flying.extend_from_slice(bytes);
        }
        bytes.clear();
    }

    /// The sender closes; what is under way still arrives.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// The connection breaks: nothing under way arrives.
    pub fn cut(&mut self) {
        self.flying.clear();
        self.closed = true;
    }

    /// Bytes under way.
    pub fn len(&self) -> usize {
        self.flying.len()
    }

    /// Nothing under way.
    pub fn is_empty(&self) -> bool {
        self.flying.is_empty()
    }

    /// The end was sent, and everything before it has arrived.
    pub fn at_end(&self) -> bool {
        self.closed && self.flying.is_empty()
    }

    /// Some bytes that arrive together: often all, sometimes one, sometimes any
    /// number. What is not consumed is given back by [`Self::keep`].
    pub fn arrive(&mut self, dice: &mut Dice) -> Vec<u8> {
        let all = self.flying.len();
        let count = match dice.below(4) {
            0 => 1.min(all),
            1 => dice.below(all.max(1)) + usize::from(all > 0),
            _ => all,
        };
        let rest = self.flying.split_off(count.min(all));
        std::mem::replace(&mut self.flying, rest)
    }

    /// Puts bytes back that the receiver did not take yet.
    pub fn keep(&mut self, rest: &[u8]) {
        self.flying.splice(0..0, rest.iter().copied());
    }
}
