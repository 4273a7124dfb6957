//! Programs that show the family at work. The library holds nothing but the README, and that only while
//! documentation is tested: so the code in it is compiled and run.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
