//! The control socket: how `status` and the orders of an administrator reach the running program. Only its
//! owner can use it.

use super::RunError;
use super::counters::Counters;
use crate::status::{self, Names, Status};
use appliance::driver::{DriverHandle, UdpDrops};
use appliance::{Appliance, Input};
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::pair::{self, Maintenance};
use rustix::fs::Mode;
use statesync::Table;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream as AsyncStream};
use tokio::time::timeout;

/// The longest request in bytes.
const MAX_REQUEST: u64 = 64;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an order may take until it is carried out, before the answer is that it was not.
const CARRIED_OUT: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);

const STATUS: &str = "status";

/// What an administrator wants of a running unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Of a Standby: take the role over (PAIR-11).
    TakeOver,
    /// Of an Active: have the peer take the role over (PAIR-11).
    FailOver,
    /// Maintenance mode on or off (BEY-8).
    Maintenance(Maintenance),
    /// Restart a service again that has failed, although it was given up (CRASH-1).
    RetryService(ServiceId),
}

impl Order {
    fn to_request(self) -> String {
        match self {
            Self::TakeOver => "take-over".to_owned(),
            Self::FailOver => "fail-over".to_owned(),
            Self::Maintenance(Maintenance::Off) => "maintenance off".to_owned(),
            Self::Maintenance(Maintenance::On { lasts: None }) => "maintenance on".to_owned(),
            Self::Maintenance(Maintenance::On { lasts: Some(lasts) }) => {
                let milliseconds = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
                format!("maintenance on {milliseconds}")
            }
            Self::RetryService(ServiceId(number)) => format!("retry-service {number}"),
        }
    }

    fn from_request(request: &str) -> Option<Self> {
        Some(match request.split(' ').collect::<Vec<_>>().as_slice() {
            ["take-over"] => Self::TakeOver,
            ["fail-over"] => Self::FailOver,
            ["maintenance", "off"] => Self::Maintenance(Maintenance::Off),
            ["maintenance", "on"] => Self::Maintenance(Maintenance::On { lasts: None }),
            ["maintenance", "on", milliseconds] => {
                let lasts = Some(Duration::from_millis(milliseconds.parse().ok()?));
                Self::Maintenance(Maintenance::On { lasts })
            }
            ["retry-service", number] => Self::RetryService(ServiceId(number.parse().ok()?)),
            _ => return None,
        })
    }

    fn input(self) -> pair::Input {
        match self {
            Self::TakeOver => pair::Input::TakeOver,
            Self::FailOver => pair::Input::FailOver,
            Self::Maintenance(maintenance) => pair::Input::Maintenance(maintenance),
            Self::RetryService(service) => pair::Input::RetryService(service),
        }
    }

    /// What the answer begins with if the order was taken.
    #[must_use]
    pub const fn success(self) -> &'static str {
        match self {
            Self::TakeOver | Self::FailOver | Self::RetryService(_) => "asked",
            Self::Maintenance(Maintenance::On { .. }) => "in maintenance",
            Self::Maintenance(Maintenance::Off) => "not in maintenance",
        }
    }
}

/// The listening socket. Its file goes with it.
#[derive(Debug)]
pub(super) struct Control {
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
    // Dropped after the file was removed.
    _directories: Directories,
}

impl Control {
    /// Opens the socket with mode 0600. A socket that a dead program left is replaced, and nothing else.
    pub(super) fn open(path: &Path) -> Result<Self, RunError> {
        let failed = |source| RunError::Control { path: path.into(), source };
        let directories = Directories::make_for(path).map_err(failed)?;
        match UnixStream::connect(path) {
            Ok(_) => return Err(RunError::Running { path: path.into() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A file of another kind gives the same error as a socket that nobody listens to.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                if !fs::symlink_metadata(path).map_err(failed)?.file_type().is_socket() {
                    return Err(failed(io::Error::other("there is a file that is not a socket")));
                }
                fs::remove_file(path).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        // The file is made with its final mode: nobody else can connect at any moment.
        let before = rustix::process::umask(Mode::from_raw_mode(0o177));
        let listener = std::os::unix::net::UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = listener.map_err(failed)?;
        Ok(Self { listener, path: path.into(), _directories: directories })
    }

    /// Answers requests for as long as the program runs.
    pub(super) async fn serve(&self, desk: Arc<Desk>) -> io::Result<()> {
        let listener = self.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                // Who does not ask in time, or does not listen, gets no answer.
                let _ = timeout(PATIENCE, desk.answer(stream)).await;
            });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Whoever removed it already did the same.
        let _ = fs::remove_file(&self.path);
    }
}

/// The directories that were made for the socket. They go when nothing else is in them.
#[derive(Debug)]
struct Directories(Vec<PathBuf>);

impl Directories {
    fn make_for(path: &Path) -> io::Result<Self> {
        let parents = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        let missing = Self(parents.take_while(|parent| !parent.exists()).map(Into::into).collect());
        if let Some(directory) = missing.0.first() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        Ok(missing)
    }
}

impl Drop for Directories {
    fn drop(&mut self) {
        for directory in &self.0 {
            // Somebody else may use it by now.
            let _ = fs::remove_dir(directory);
        }
    }
}

/// What is needed to answer.
pub(super) struct Desk {
    pub(super) handle: DriverHandle<Appliance<Table>>,
    pub(super) counters: Arc<Counters>,
    pub(super) drops: Arc<UdpDrops>,
    pub(super) paths: Vec<String>,
    pub(super) peer_serial: String,
    pub(super) devices: BTreeMap<InterfaceId, String>,
}

impl Desk {
    async fn answer(&self, mut stream: AsyncStream) -> io::Result<()> {
        let mut request = String::new();
        let (reader, mut writer) = stream.split();
        reader.take(MAX_REQUEST).read_to_string(&mut request).await?;
        let answer = match request.trim() {
            STATUS => self.status().await.and_then(|it| serde_json::to_string(&it).ok()),
            request => match Order::from_request(request) {
                Some(order) => self.carry_out(order).await,
                None => Some("unknown request".to_owned()),
            },
        };
        writer.write_all(answer.unwrap_or_default().as_bytes()).await
    }

    async fn carry_out(&self, order: Order) -> Option<String> {
        if let Err(refusal) = self.handle.input(Input::Pair(order.input())).await.ok()? {
            return Some(format!("refused: {refusal}"));
        }
        if let Order::Maintenance(maintenance) = order
            && timeout(CARRIED_OUT, self.until_in_force(maintenance)).await.is_err()
        {
            return Some("failed: it could not be kept; the log says why".to_owned());
        }
        Some(order.success().to_owned())
    }

    /// Maintenance mode acts once it is on the disk.
    async fn until_in_force(&self, maintenance: Maintenance) {
        let is_in_force =
            move |unit: &Appliance<Table>, now| unit.pair().status(now).maintenance == maintenance;
        while let Ok(false) = self.handle.query(is_in_force).await {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How the unit is; `None` if it has stopped.
    pub(super) async fn status(&self) -> Option<Status> {
        let read = |unit: &Appliance<Table>, now| (unit.status(now), unit.pair().counters(), now);
        let (unit, counted, now) = self.handle.query(read).await.ok()?;
        let (pair, sync) = (&unit.pair, unit.sync.as_ref());
        let mut counters = self.counters.named();
        let count = |counters: &mut BTreeMap<_, _>, name: String, count: u64| {
            if count > 0 {
                counters.insert(name, count);
            }
        };
        for (kind, rejected) in unit.rejects.iter() {
            count(&mut counters, format!("datagrams ignored: {}", kind.name()), rejected);
        }
        for (kind, rejected) in sync.iter().flat_map(|sync| sync.rejects.iter()) {
            count(&mut counters, format!("sync datagrams ignored: {}", kind.name()), rejected);
        }
        let foreign = "datagrams from other addresses than the peer's".to_owned();
        count(&mut counters, foreign, self.drops.foreign());
        count(&mut counters, "datagrams that could not be sent".to_owned(), self.drops.unsent());
        let progress = sync.map(|sync| &sync.progress);
        let names = Names {
            paths: &self.paths,
            peer_serial: &self.peer_serial,
            devices: &self.devices,
            services: pair.services.iter().map(|it| (it.service, it.name)).collect(),
        };
        let mut status = status::assemble(pair, counted, now, progress, &names);
        status.role_changes = self.counters.role_changes.load(Ordering::Relaxed);
        status.counters = counters;
        Some(status)
    }
}

/// Asks a running program for its status.
///
/// # Errors
/// No program runs with this socket, or it does not answer.
pub fn ask_status(path: &Path) -> Result<Status, RunError> {
    let answer = request(path, STATUS)?;
    serde_json::from_str(&answer)
        .map_err(|error| RunError::Ask { path: path.into(), source: error.into() })
}

/// Gives a running unit an order. The answer is for a person; it is [`Order::success`], or says why not.
///
/// # Errors
/// No program runs with this socket, or it does not answer.
pub fn ask(path: &Path, order: Order) -> Result<String, RunError> {
    request(path, &order.to_request())
}

fn request(path: &Path, text: &str) -> Result<String, RunError> {
    let exchange = || {
        let mut stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(text.as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
    };
    exchange().map_err(|source: io::Error| RunError::Ask { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let on = |lasts| Order::Maintenance(Maintenance::On { lasts });
        let second = Duration::from_secs(1);
        let off = Order::Maintenance(Maintenance::Off);
        let retry = Order::RetryService(ServiceId(u16::MAX));
        for order in [Order::TakeOver, Order::FailOver, off, on(None), on(Some(second)), retry] {
            let request = order.to_request();
            assert_eq!(Order::from_request(&request), Some(order));
            assert_eq!(Order::from_request(&format!("{request} x")), None);
            assert_eq!(Order::from_request(&format!(" {request}")), None);
        }
        let longest = on(Some(Duration::MAX)).to_request();
        assert!(longest.len() as u64 <= MAX_REQUEST);
        assert_eq!(Order::from_request(&longest), Some(on(Some(Duration::from_millis(u64::MAX)))));
        for unknown in [
            "",
            "maintenance",
            "maintenance on -1",
            "maintenance on 1s",
            "leave",
            "retry-service -1",
        ] {
            assert_eq!(Order::from_request(unknown), None, "{unknown}");
        }
    }
}
