//! Tests only: virtual clock, scripted peers, byte splitter, fake smarthost
