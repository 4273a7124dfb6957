//! What happens, step by step, and the balance at the end.

use crate::clients::{Clients, Routes, YOUNG, route};
use crate::plane::Holders;
use crate::story::Story;
use crate::unit::{Cables, PATHS, Sockets, Unit, World};
use crate::{Fault, Options};
use appliance::{Appliance, Input};
use ha_core::identity::Designation;
use ha_core::pair::{self, Departure, Role, State};
use ha_core::time::{Clock, Instant};
use statesync::{Progress, Records, Table};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Sessions live on for so long before and after the fault.
const LIFE: Duration = Duration::from_millis(700);

/// What counts, at the end.
#[derive(Debug)]
pub(crate) struct Balance {
    without_active: f64,
    two_actives: f64,
    before: usize,
    after: usize,
    lost: usize,
    young: usize,
    given_up: usize,
    changes: u64,
    tables: (usize, usize),
    equal: bool,
    active: Designation,
}

impl Balance {
    pub(crate) fn is_good(&self) -> bool {
        self.lost == 0 && self.equal
    }

    pub(crate) fn print(&self) {
        let row = |name: &str, value: String| println!("  {name:<34}{value}");
        println!("\nWhat counts");
        row("Active at the end", self.active.to_string());
        row("time without an Active", format!("{:.1} ms", self.without_active * 1e3));
        if self.two_actives > 0.0 {
            row("time with two Actives", format!("{:.1} ms", self.two_actives * 1e3));
        }
        row("sessions before the fault", self.before.to_string());
        row("sessions at the end", self.after.to_string());
        row("sessions lost", self.lost.to_string());
        if self.young > 0 {
            let age = YOUNG.as_millis();
            row(
                "opened < 5 ms before the crash",
                format!("{} (their first packet is sent again; {age} ms)", self.young),
            );
        }
        if self.given_up > 0 {
            row(
                "opened during the split, given up",
                format!("{} (on the unit that gave way)", self.given_up),
            );
        }
        row("changes on the way", self.changes.to_string());
        let (ours, theirs) = self.tables;
        let equal = if self.equal { "equal" } else { "NOT EQUAL" };
        row("tables of Active and Standby", format!("{ours} and {theirs} sessions, {equal}"));
    }
}

pub(crate) fn run(options: &Options) -> Result<Balance, Box<dyn Error>> {
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let clock = Clock::start();
    let world = World {
        clock,
        story: Arc::new(Story::begin(clock)),
        holders: Arc::new(Holders::default()),
        cables: Arc::new(Cables::default()),
        workers: workers.handle().clone(),
    };
    workers.block_on(Scenario::play(world, options))
}

struct Scenario<'a> {
    world: World,
    options: &'a Options,
    primary: Option<Unit>,
    secondary: Unit,
    sockets: Sockets,
    clients: Clients,
}

impl Scenario<'_> {
    async fn play(world: World, options: &Options) -> Result<Balance, Box<dyn Error>> {
        let mut play = Scenario::begin(world, options).await?;
        play.live(LIFE).await?;
        let before = play.clients.len();
        let (fault_at, (lost, young, given_up)) = match options.fault {
            Fault::Crash => play.crash().await?,
            Fault::Planned => play.planned().await?,
            Fault::Link => play.link().await?,
            Fault::Split => play.split().await?,
        };
        play.live(LIFE).await?;
        play.end(before, fault_at, lost, young, given_up).await
    }

    /// Two units that have found their roles, with all sessions on both.
    async fn begin(world: World, options: &Options) -> Result<Scenario<'_>, Box<dyn Error>> {
        let (ours, theirs) = Sockets::pair()?;
        let sockets = ours.try_clone()?;
        let primary = Unit::start(&world, options, Designation::Primary, ours, 1)?;
        let secondary = Unit::start(&world, options, Designation::Secondary, theirs, 2)?;
        let clients = Clients::new(world.clock);
        let mut play =
            Scenario { world, options, primary: Some(primary), secondary, sockets, clients };
        play.wait_for(Designation::Primary, is_active).await?;
        play.wait_for(Designation::Secondary, is_standby).await?;
        let mut left = play.options.sessions;
        while left > 0 {
            let some = left.min(500);
            left -= some;
            let connections = play.clients.open(some);
            play.tell(Input::Upsert(connections)).await?;
        }
        let sessions = play.clients.len();
        play.story().around(&format!("clients open {sessions} sessions"));
        play.wait_for(Designation::Primary, in_sync).await?;
        play.story().around("every session is on both units; changes go on all the time");
        Ok(play)
    }

    async fn crash(&mut self) -> Result<(Instant, (usize, usize, usize)), Box<dyn Error>> {
        let at = self.world.story.fault("the Primary crashes");
        if let Some(primary) = self.primary.take() {
            primary.crash().await?;
        }
        self.wait_for(Designation::Secondary, is_active).await?;
        let table = self.table(Designation::Secondary).await?;
        let (lost, young) = self.clients.missing(&table, at);
        self.clients.accept(&table);
        self.live(LIFE).await?;
        self.restart_primary().await?;
        Ok((at, (lost, young, 0)))
    }

    async fn planned(&mut self) -> Result<(Instant, (usize, usize, usize)), Box<dyn Error>> {
        let at = self.world.story.fault("the administrator shuts the Primary down");
        if let Some(primary) = self.primary.take() {
            primary.handle.input(Input::Pair(pair::Input::Leave(Departure::Stop))).await??;
            let plane = Arc::clone(&primary.plane);
            self.until("the Primary may stop", || plane.may_stop.load(Ordering::SeqCst)).await?;
            primary.crash().await?;
        }
        self.wait_for(Designation::Secondary, is_active).await?;
        let table = self.table(Designation::Secondary).await?;
        // A unit that leaves tells all it knows first: nothing is excused.
        let (lost, young) = self.clients.missing(&table, at);
        let (lost, young) = (lost + young, 0);
        self.clients.accept(&table);
        self.live(LIFE).await?;
        self.restart_primary().await?;
        Ok((at, (lost, young, 0)))
    }

    async fn link(&mut self) -> Result<(Instant, (usize, usize, usize)), Box<dyn Error>> {
        let [first, _] = PATHS;
        let at = self.world.story.fault("the cable of path 0 is cut; path 1 goes on");
        self.world.cables.cut(first);
        self.live(self.options.failure_time() * 4).await?;
        self.world.cables.heal();
        self.world.story.around("the cable is mended");
        let table = self.table(Designation::Primary).await?;
        let (lost, young) = self.clients.missing(&table, at);
        Ok((at, (lost, young, 0)))
    }

    async fn split(&mut self) -> Result<(Instant, (usize, usize, usize)), Box<dyn Error>> {
        let at = self.world.story.fault("both cables are cut");
        for path in PATHS {
            self.world.cables.cut(path);
        }
        self.wait_for(Designation::Secondary, is_active).await?;
        // Sessions of before the fault, which both units know; what is opened now is known to one.
        let table = self.table(Designation::Secondary).await?;
        let (lost, young) = self.clients.missing(&table, at);
        self.live(self.options.failure_time() * 4).await?;
        self.world.cables.heal();
        self.world.story.around("the cables are mended");
        self.wait_for(Designation::Secondary, is_standby).await?;
        let table = self.table(Designation::Primary).await?;
        let given_up = self.clients.accept(&table);
        Ok((at, (lost, young, given_up)))
    }

    async fn restart_primary(&mut self) -> Result<(), Box<dyn Error>> {
        self.world.story.around("the Primary is started again, with an empty table");
        let sockets = self.sockets.try_clone()?;
        let unit = Unit::start(&self.world, self.options, Designation::Primary, sockets, 3)?;
        self.primary = Some(unit);
        self.wait_for(Designation::Primary, is_standby).await
    }

    /// Sessions are opened, used and closed for a while, through whoever is Active.
    async fn live(&mut self, time: Duration) -> Result<(), Box<dyn Error>> {
        let until = self.world.clock.now() + time;
        while self.world.clock.now() < until {
            if let Some(holder) = route(&self.routes()) {
                for input in self.clients.live() {
                    holder.input(input).await??;
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn end(
        self,
        before: usize,
        fault_at: Instant,
        lost: usize,
        young: usize,
        given_up: usize,
    ) -> Result<Balance, Box<dyn Error>> {
        let routes = self.routes();
        let active = routes.iter().find(|(plane, _)| plane.holds.load(Ordering::SeqCst));
        let active = active.map(|(plane, _)| plane.who).ok_or("nobody is Active at the end")?;
        self.wait_for(active, in_sync).await?;
        let (ours, theirs) = (self.table(active).await?, self.table(active.other()).await?);
        let now = self.world.clock.now();
        let (without_active, two_actives) = self.world.holders.none_and_both(fault_at, now);
        let (gone, _) = self.clients.missing(&ours, now);
        Ok(Balance {
            without_active,
            two_actives,
            before,
            after: ours.len(),
            lost: lost + gone,
            young,
            given_up,
            changes: self.clients.changes,
            tables: (ours.len(), theirs.len()),
            equal: ours == theirs && self.clients.agree_with(&ours),
            active,
        })
    }

    fn story(&self) -> &Story {
        &self.world.story
    }

    fn routes(&self) -> Routes {
        let units = self.primary.iter().chain([&self.secondary]);
        units.map(|unit| (Arc::clone(&unit.plane), unit.handle.clone())).collect()
    }

    /// Tells the unit that holds the addresses what its forwarding plane saw.
    async fn tell(&self, input: Input) -> Result<(), Box<dyn Error>> {
        let routes = self.routes();
        let holder = route(&routes).ok_or("nobody is Active")?;
        holder.input(input).await??;
        Ok(())
    }

    fn unit(&self, who: Designation) -> Result<&Unit, Box<dyn Error>> {
        let unit = match who {
            Designation::Primary => self.primary.as_ref(),
            Designation::Secondary => Some(&self.secondary),
        };
        unit.ok_or_else(|| format!("the {who} does not run").into())
    }

    async fn table(&self, who: Designation) -> Result<Table, Box<dyn Error>> {
        let records = |unit: &Appliance<Table>, _| unit.sync().map(|sync| sync.records().clone());
        Ok(self.unit(who)?.handle.query(records).await?.unwrap_or_default())
    }

    async fn wait_for(
        &self,
        who: Designation,
        condition: fn(&Appliance<Table>) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        let unit = self.unit(who)?;
        let until = self.world.clock.now() + PATIENCE;
        while !unit.handle.query(move |unit, _| condition(unit)).await? {
            if self.world.clock.now() > until {
                return Err(format!("the {who} did not get there within {PATIENCE:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    async fn until(&self, what: &str, condition: impl Fn() -> bool) -> Result<(), Box<dyn Error>> {
        let until = self.world.clock.now() + PATIENCE;
        while !condition() {
            if self.world.clock.now() > until {
                return Err(format!("{what}: not within {PATIENCE:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}

/// The addresses are taken, too.
fn is_active(unit: &Appliance<Table>) -> bool {
    unit.pair().state() == State::Active
}

/// It has the whole table, too.
fn is_standby(unit: &Appliance<Table>) -> bool {
    unit.pair().role() == Role::Standby
}

fn in_sync(unit: &Appliance<Table>) -> bool {
    unit.sync().is_some_and(|sync| matches!(sync.progress(), Progress { in_sync: true, .. }))
}
