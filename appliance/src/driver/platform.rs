//! What the driver asks of the system around it.

use async_trait::async_trait;
use ha_core::machine::{ActionError, Machine};
use ha_core::time::Instant;

/// Carries out a machine's actions and hears its news.
#[async_trait]
pub trait Platform<M: Machine>: Send + Sync + 'static {
    /// How many lanes there are, at least one.
    const LANES: usize;

    /// The lane of an action, below [`Platform::LANES`]. Actions of a lane are carried out in order, one
    /// at a time; what must not wait for the others belongs into a lane of its own.
    fn lane(&self, action: &M::Action) -> usize;

    /// Carries an action out. It may take its time: heartbeats do not wait for it.
    ///
    /// # Errors
    /// The action failed. The machine is told, and knows what then.
    async fn perform(&self, action: M::Action) -> Result<(), ActionError>;

    /// Hears of an event that happened at `at`. Called on the workers' runtime, in order.
    fn event(&self, at: Instant, event: M::Event);
}
