#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| longhaul_sim::decode::engine(bytes));
