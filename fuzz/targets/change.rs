//! libFuzzer's way into [`fuzz::change`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::change(data));
