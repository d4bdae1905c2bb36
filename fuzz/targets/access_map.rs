//! libFuzzer's way into [`fuzz::access_map`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::access_map(data));
