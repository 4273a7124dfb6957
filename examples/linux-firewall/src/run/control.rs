//! The control socket: how `status` and `take-over` talk to the running program. Only its owner can.

use super::RunError;
use super::counters::Counters;
use crate::status::{self, Status};
use appliance::driver::{DriverHandle, UdpDrops};
use appliance::{Appliance, Input};
use ha_core::pair;
use rustix::fs::Mode;
use statesync::Table;
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

const STATUS: &str = "status";
const TAKE_OVER: &str = "take-over";

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
}

impl Desk {
    async fn answer(&self, mut stream: AsyncStream) -> io::Result<()> {
        let mut request = String::new();
        let (reader, mut writer) = stream.split();
        reader.take(MAX_REQUEST).read_to_string(&mut request).await?;
        let answer = match request.trim() {
            STATUS => self.status().await,
            TAKE_OVER => match self.handle.input(Input::Pair(pair::Input::TakeOver)).await {
                Ok(Ok(())) => Some("asked".to_owned()),
                Ok(Err(refusal)) => Some(format!("refused: {refusal}")),
                Err(_) => None,
            },
            _ => Some("unknown request".to_owned()),
        };
        writer.write_all(answer.unwrap_or_default().as_bytes()).await
    }

    async fn status(&self) -> Option<String> {
        let read = |unit: &Appliance<Table>, now| {
            let pair = unit.pair().status(now);
            let since = now.saturating_since(pair.since);
            let sync = unit.sync().map(|sync| (sync.progress(), sync.rejects().clone()));
            (pair, since, sync)
        };
        let (pair, since, sync) = self.handle.query(read).await.ok()?;
        let mut counters = self.counters.named();
        let count = |counters: &mut std::collections::BTreeMap<_, _>, name: String, count: u64| {
            if count > 0 {
                counters.insert(name, count);
            }
        };
        for (kind, rejected) in pair.rejects.iter() {
            count(&mut counters, format!("heartbeats ignored: {}", kind.name()), rejected);
        }
        for (kind, rejected) in sync.iter().flat_map(|(_, rejects)| rejects.iter()) {
            count(&mut counters, format!("sync datagrams ignored: {}", kind.name()), rejected);
        }
        let foreign = "datagrams from other addresses than the peer's".to_owned();
        count(&mut counters, foreign, self.drops.foreign());
        count(&mut counters, "datagrams that could not be sent".to_owned(), self.drops.unsent());
        count(&mut counters, "steps of the clock backwards".to_owned(), pair.backward_steps);
        let role_changes = self.counters.role_changes.load(Ordering::Relaxed);
        let progress = sync.as_ref().map(|(progress, _)| progress);
        let status = status::assemble(
            &pair,
            since,
            progress,
            &self.paths,
            &self.peer_serial,
            role_changes,
            counters,
        );
        serde_json::to_string(&status).ok()
    }
}

/// Asks a running program for its status.
///
/// # Errors
/// No program runs with this socket, or it does not answer.
pub fn ask_status(path: &Path) -> Result<Status, RunError> {
    let answer = ask(path, STATUS)?;
    serde_json::from_str(&answer)
        .map_err(|error| RunError::Ask { path: path.into(), source: error.into() })
}

/// Asks a running Standby to take the role over. The answer is for a person.
///
/// # Errors
/// No program runs with this socket, or it does not answer.
pub fn ask_take_over(path: &Path) -> Result<String, RunError> {
    ask(path, TAKE_OVER)
}

fn ask(path: &Path, request: &str) -> Result<String, RunError> {
    let exchange = || {
        let mut stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
    };
    exchange().map_err(|source: io::Error| RunError::Ask { path: path.into(), source })
}
