//! Answers for a cluster node.

use super::super::control::{Answer, Order};
use super::Node;
use crate::config::cluster::CheckedNode;
use crate::status::NodeStatus;
use appliance::driver::{DriverHandle, UdpDrops};
use async_trait::async_trait;
use ha_core::identity::PathId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is needed to answer.
pub(super) struct NodeDesk {
    handle: DriverHandle<Node>,
    drops: Arc<UdpDrops>,
    serial: String,
    paths: Vec<(PathId, String)>,
}

impl NodeDesk {
    pub(super) fn new(
        config: &CheckedNode,
        handle: DriverHandle<Node>,
        drops: Arc<UdpDrops>,
    ) -> Self {
        let paths = config.paths.iter().map(|path| (path.id, path.name.clone())).collect();
        Self { handle, drops, serial: config.file.unit.serial.clone(), paths }
    }

    /// How the node is; `None` if it has stopped.
    pub(super) async fn read(&self) -> Option<NodeStatus> {
        let read = |node: &Node, _| {
            let cluster = node.cluster();
            (cluster.status(), cluster.rejects().clone(), cluster.lost_events())
        };
        let (cluster, rejects, lost_events) = self.handle.query(read).await.ok()?;
        let mut counters = BTreeMap::new();
        for (kind, count) in rejects.iter() {
            counters.insert(format!("datagrams ignored: {}", kind.name()), count);
        }
        counters.insert("datagrams from other addresses".to_owned(), self.drops.foreign());
        counters.insert("datagrams that could not be sent".to_owned(), self.drops.unsent());
        counters.insert("events lost".to_owned(), lost_events);
        counters.retain(|_, count| *count > 0);
        Some(NodeStatus::new(self.serial.clone(), &cluster, &self.paths, counters))
    }
}

#[async_trait]
impl Answer for NodeDesk {
    async fn status(&self) -> Option<String> {
        serde_json::to_string(&self.read().await?).ok()
    }

    async fn carry_out(&self, _: Order) -> Option<String> {
        Some("refused: this order is for a unit of a pair".to_owned())
    }
}
