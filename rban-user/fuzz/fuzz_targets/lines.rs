//! A log in pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rban::source::hostile::lines(bytes));
