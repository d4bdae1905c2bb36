//! libFuzzer's way into [`fuzz::content`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::content(data));
