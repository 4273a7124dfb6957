//! State synchronization.
#![no_std]
#![forbid(unsafe_code)]
pub mod connection;
