//! libFuzzer's way into [`fuzz::milter`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::milter(data));
