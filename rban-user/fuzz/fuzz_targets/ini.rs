//! One file of configuration.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rban::config::hostile::ini(bytes));
