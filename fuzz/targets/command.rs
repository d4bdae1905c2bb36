//! libFuzzer's way into [`fuzz::command`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::command(data));
