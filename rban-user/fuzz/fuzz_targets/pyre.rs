//! A pattern in Python's dialect, and a text.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rban::detect::hostile::pyre(bytes));
