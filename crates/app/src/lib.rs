//! Configuration file to parts to a running daemon
