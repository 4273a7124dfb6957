//! Metrics for Prometheus: this unit's own, never merged with the peer's (COS-5).

mod http;
mod node;
mod text;

pub use http::serve;
pub use node::write_node;
pub use text::write;
