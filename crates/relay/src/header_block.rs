//! The header block, kept while it comes in: for gates over its fields, and for what is missing
//! in it. Nearly always nobody asks for it.
//!
//! It ends at the first empty line, and nowhere else: what stands behind a line that is no field
//! belongs to it too, because a receiving program may read it. What is kept counts against the
//! budget of held content. Cut anywhere, it is the same.

use memchr::memchr;
use smtp_session::Moment;

use crate::hold::{Full, Held, HoldSettings};

/// A header on its way.
#[derive(Debug)]
pub(crate) struct HeaderBlock {
    settings: HoldSettings,
    held: Option<Held>,
    /// The current line has an octet that is not of its end.
    in_line: bool,
}

impl HeaderBlock {
    pub(crate) fn new(settings: HoldSettings) -> Self {
        Self { settings, held: None, in_line: false }
    }

    /// Takes a span of mail data up to the end of the header; true when that is there.
    pub(crate) fn scan(&mut self, now: Moment, mut span: &[u8]) -> Result<bool, Full> {
        let mut ended = false;
        while !ended && !span.is_empty() {
            let (line, rest) = match memchr(b'\n', span) {
                Some(end) => span.split_at(end + 1),
                None => (span, Default::default()),
            };
            span = rest;
            self.push(now, line)?;
            let complete = line.last() == Some(&b'\n');
            self.in_line |= line.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
            ended = complete && !self.in_line;
            self.in_line &= !complete;
        }
        Ok(ended)
    }

    fn push(&mut self, now: Moment, line: &[u8]) -> Result<(), Full> {
        if self.held.is_none() {
            self.held = Held::begin(self.settings.clone(), now);
        }
        self.held.as_mut().ok_or(Full::Budget)?.push(line)
    }

    /// What there is of it.
    pub(crate) fn octets(&self) -> &[u8] {
        self.held.as_ref().map(Held::content).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::hold::HoldBudget;

    const HEADER: &[u8] = b"A: 1\r\nno field\r\n \r\nB: 2\r\n\r\n";

    fn block(limit: usize, budget: usize) -> (HeaderBlock, Arc<HoldBudget>) {
        let budget = Arc::new(HoldBudget::new(budget));
        (HeaderBlock::new(HoldSettings::new(limit, Arc::clone(&budget))), budget)
    }

    fn now() -> Moment {
        Moment::new(Duration::ZERO, 0)
    }

    #[test]
    fn any_cut_gives_the_same_header_and_the_same_end() {
        let whole = [HEADER, b"C: body\r\n\r\n"].concat();
        for step in 1..=whole.len() {
            let (mut block, budget) = block(HEADER.len(), 100);
            let mut taken = 0;
            for piece in whole.chunks(step) {
                taken += piece.len();
                if block.scan(now(), piece).unwrap() {
                    break;
                }
            }
            assert!(taken >= HEADER.len() && taken < HEADER.len() + step, "step {step}");
            assert_eq!(block.octets(), HEADER, "step {step}");
            drop(block);
            assert_eq!(budget.left(), 100);
        }
    }

    #[test]
    fn it_has_a_limit_and_counts_against_the_budget() {
        for step in 1..=HEADER.len() {
            let full = |limit, budget| {
                let (mut block, _budget) = block(limit, budget);
                HEADER.chunks(step).find_map(|piece| block.scan(now(), piece).err())
            };
            assert_eq!(full(HEADER.len() - 1, 100), Some(Full::Content), "step {step}");
            assert_eq!(full(100, HEADER.len() - 1), Some(Full::Budget), "step {step}");
            assert_eq!(full(100, 0), Some(Full::Budget), "step {step}");
            assert_eq!(full(100, HEADER.len()), None, "step {step}");
        }
    }
}
