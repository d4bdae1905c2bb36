//! The gates: one check each, with a verdict
