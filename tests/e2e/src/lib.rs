//! Real programs around a real gate.
