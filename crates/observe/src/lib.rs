//! What the other rooms use to be watched: counters, and values that keep quiet.

mod counter;
mod redacted;
mod secret;

pub use counter::Counter;
pub use redacted::{Redacted, show_personal_data};
pub use secret::Secret;
