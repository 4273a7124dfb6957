//! Programs that show the family at work. The library holds nothing but the README, so that the code
//! in it is compiled and run with the tests.
#![doc = include_str!("../README.md")]
