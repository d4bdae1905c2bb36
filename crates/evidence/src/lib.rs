//! What was decided, why, and what the smarthost said
