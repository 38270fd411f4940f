//! A log, under filters of all kinds.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rban::detect::hostile::detector(bytes));
