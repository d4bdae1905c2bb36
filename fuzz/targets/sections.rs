//! libFuzzer's way into [`fuzz::sections`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sections(data));
