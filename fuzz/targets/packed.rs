//! libFuzzer's way into [`fuzz::packed`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::packed(data));
