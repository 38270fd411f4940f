//! A datepattern, and lines.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rban::detect::hostile::date(bytes));
