//! Whole files through the public face: what a user has in hand, and what comes out.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod dirt;
mod document;
mod hostile;
mod json;
mod packed;
mod parts;
mod recognised;
mod support;
mod text;
mod xlsx;
mod xml;
