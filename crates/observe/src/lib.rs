//! Metrics registry and values that must not reach a log
