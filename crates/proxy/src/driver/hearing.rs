//! What both sides have said by the time the final dot is about to go upstream.

use relay::Side;
use smtp_session::Moment;

use super::Driver;
use crate::scratch;

impl Driver {
    /// Before the dot goes upstream everything the smarthost has said must be heard:
    /// a stray reply would be taken for the answer to it.
    pub(super) fn hear_smarthost(&mut self, now: Moment) {
        let Some(up) = &mut self.up else { return };
        let relay = &mut self.relay;
        scratch::with(|buffer| match up.read_now(buffer) {
            Ok(None) => {}
            Ok(Some(read @ 1..)) => {
                relay.handle_bytes(now, Side::Upstream, buffer.get(..read).unwrap_or_default());
            }
            Ok(Some(0)) | Err(_) => relay.handle_eof(now, Side::Upstream),
        });
    }

    /// Likewise whether the client is still there: one that was not read for a while, because the
    /// smarthost was slow, may have closed behind its dot long ago, and come again. Whatever
    /// stands behind the dot is kept for later.
    pub(super) fn hear_client(&mut self, now: Moment) {
        if self.client_eof || !self.leftover.is_empty() {
            return;
        }
        let (down, relay) = (&mut self.down, &mut self.relay);
        let (leftover, eof) = (&mut self.leftover, &mut self.client_eof);
        scratch::with(|buffer| match down.read_now(buffer) {
            Ok(None) => {}
            Ok(Some(read @ 1..)) => {
                leftover.extend_from_slice(buffer.get(..read).unwrap_or_default());
            }
            Ok(Some(0)) => {
                *eof = true;
                relay.handle_eof(now, Side::Downstream);
            }
            Err(_) => {
                *eof = true;
                relay.handle_client_broken(now);
            }
        });
    }
}
