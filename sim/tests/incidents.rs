//! Ten classic incidents as recordings (`incidents/*.txt`): what happened, when, to whom, and who was
//! Active at the end, for a person to read. Each is a fixed scenario without chance, so it is compared to
//! the letter. When the behaviour changes on purpose,
//!
//! ```text
//! UPDATE_INCIDENTS=1 cargo test -p sim --test incidents
//! ```
//!
//! writes them anew; the change shows in the review, and has to be read there.

// A test says plainly what it expects, in its helpers too.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod recording;

use ha_core::pair::{Departure, Input, Role, State};
use recording::{Recording, seconds};
use sim::harness::{A, Answer, B, ms};

const ACTIVE_A: [Option<Role>; 2] = [Some(Role::Active), Some(Role::Standby)];
const ACTIVE_B: [Option<Role>; 2] = [Some(Role::Standby), Some(Role::Active)];

/// PAIR-6, PAIR-3: the Standby takes over; the unit that returns is its Standby.
#[test]
fn power_loss_of_the_active() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.world.crash(A);
    it.run_for(seconds(10));
    it.start(A);
    it.run_for(seconds(10));
    assert_eq!(it.world.roles(), ACTIVE_B);
    it.compare(
        "power_loss",
        "Power loss of the Active",
        "A, which is Active, loses its power. B takes over as soon as A has been silent for the failure \
         time. A is powered on 10 s later, finds B Active and is its Standby.",
    );
}

/// PAIR-10, PAIR-15: the peer takes over at once; the unit that has restarted is its Standby.
#[test]
fn planned_restart() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.world.input(A, Input::Leave(Departure::Restart)).unwrap();
    it.run_for(seconds(2));
    assert_eq!(it.world.roles(), [Some(Role::Reboot), Some(Role::Active)]);
    it.world.stop(A);
    it.run_for(seconds(10));
    it.start(A);
    it.run_for(seconds(10));
    assert_eq!(it.world.roles(), ACTIVE_B);
    it.compare(
        "planned_restart",
        "Planned restart of the Active",
        "The administrator restarts A, which is Active. It gives the role up and says so, and B takes it \
         after one way of a heartbeat, without waiting for the failure time. When A is back it is Standby.",
    );
}

/// PAIR-12: the loss of one path of two is told, and changes no role.
#[test]
fn control_link_cut() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.world.cut_path(0, true);
    it.run_for(seconds(10));
    it.world.cut_path(0, false);
    it.run_for(seconds(10));
    assert_eq!(it.world.roles(), ACTIVE_A);
    it.compare(
        "control_link_cut",
        "Control link cut",
        "One of the two heartbeat paths is cut, and repaired 10 s later. Both units say so; as they still \
         hear each other on the other path, no role changes.",
    );
}

/// PAIR-6, PAIR-13: without any path both units are Active; heartbeats that pass again end that.
#[test]
fn all_paths_cut() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.world.cut_all(true);
    it.run_for(seconds(10));
    assert_eq!(it.world.roles(), [Some(Role::Active); 2]);
    it.world.cut_all(false);
    it.run_for(seconds(10));
    assert!(it.world.is_settled());
    it.compare(
        "all_paths_cut",
        "All paths cut",
        "Every heartbeat path is cut at once. To each unit that looks like the death of the other, so both \
         are Active until the paths are repaired 10 s later; then one exchange of heartbeats decides \
         which of them stays.",
    );
}

/// CRASH-4, PAIR-6: the unit that was paused gives the role up before it does anything else.
#[test]
fn pause_of_the_active() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.world.hang(A, seconds(8));
    it.run_for(seconds(20));
    assert_eq!(it.world.roles(), ACTIVE_B);
    it.compare(
        "pause_of_the_active",
        "Virtual machine of the Active paused",
        "The hypervisor pauses A, which is Active, for 8 s; its clock runs on. B takes over meanwhile. \
         When A goes on, it sees from its clock what happened and withdraws before anything else.",
    );
}

/// PAIR-3, PAIR-5: of two units that start together the Primary becomes Active, once.
#[test]
fn simultaneous_boot() {
    let mut it = Recording::of_units_without_power(|config| config);
    it.start(A);
    it.start(B);
    it.run_for(seconds(15));
    assert_eq!(it.world.roles(), ACTIVE_A);
    it.compare(
        "simultaneous_boot",
        "Simultaneous boot",
        "The power comes back and both units start at the same moment, equally healthy. They wait for the \
         failure time, in case somebody is Active; then A takes the role, as it is the Primary.",
    );
}

/// PAIR-18, CRASH-3: after more than three changes within the window the next one waits until the hold is over.
#[test]
fn flapping_link() {
    let mut it = Recording::of_a_settled_pair(|config| config.flap_limit(3, seconds(60)));
    it.setting("Flap limit: up to 3 role changes of a unit in 60 s.");
    it.setting("Health: the number of links that are up, 2 at both units.");
    for _ in 0..2 {
        it.world.input(A, Input::HealthWeight(1)).unwrap();
        it.run_for(seconds(4));
        it.world.input(A, Input::HealthWeight(2)).unwrap();
        it.run_for(seconds(1));
        it.world.input(B, Input::HealthWeight(1)).unwrap();
        it.run_for(seconds(4));
        it.world.input(B, Input::HealthWeight(2)).unwrap();
        it.run_for(seconds(1));
    }
    it.world.input(A, Input::HealthWeight(1)).unwrap();
    it.run_for(seconds(60));
    assert_eq!(it.world.roles(), ACTIVE_B);
    it.compare("flapping_link", "Flapping link", "A link goes down and up, at A and at B in turn, and each time the role goes to the fitter unit. \
         The fourth change in 60 s is one too many: when A's link fails again at 20 s, the role stays until the \
         first change is 60 s ago, and moves then, by itself.");
}

/// L2, CRASH-3: a fault that both units have moves no role.
#[test]
fn both_probe_targets_lost() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.setting("Health: the number of probe targets that answer, 2 at both units.");
    it.world.input(B, Input::HealthWeight(1)).unwrap();
    it.run_for(ms(300));
    it.world.input(A, Input::HealthWeight(1)).unwrap();
    it.run_for(seconds(5));
    it.world.input(A, Input::HealthWeight(0)).unwrap();
    it.world.input(B, Input::HealthWeight(0)).unwrap();
    it.run_for(seconds(5));
    it.world.input(A, Input::HealthWeight(2)).unwrap();
    it.run_for(ms(300));
    it.world.input(B, Input::HealthWeight(2)).unwrap();
    it.run_for(seconds(5));
    assert_eq!(it.world.roles(), ACTIVE_A);
    it.compare(
        "both_probe_targets_lost",
        "Both probe targets lost",
        "Both units probe the same two targets behind the firewall, and those go down, one after the other. \
         That is no fault of a unit: both find it, neither is better than the other, and no role changes.",
    );
}

/// PAIR-20: the old Active takes the role back that nobody claims.
#[test]
fn restart_within_a_hand_over() {
    let mut it = Recording::of_a_settled_pair(|config| config);
    it.world.answer(A, "Withdraw", Answer::after(ms(400)));
    it.world.input(B, Input::TakeOver).unwrap();
    it.run_for(ms(200));
    assert!(matches!(it.world.state(A), State::Withdrawing(_)));
    it.world.crash(B);
    it.start(B);
    it.run_for(seconds(20));
    assert!(it.world.is_settled());
    it.compare("restart_within_a_hand_over", "Restart in the middle of a hand-over", "B is told to take over and asks A for the role, but restarts while A is still withdrawing. Its new \
         start knows nothing of the question, so nobody will claim the role: A takes it back when it hears \
         that, and does not wait for twice the failure time.");
}

/// PAIR-16, BEY-7, PAIR-7: the peer takes over once, and preempt does not bring the role back.
#[test]
fn addresses_cannot_be_installed() {
    let mut it = Recording::of_a_settled_pair(|config| config.preempt(true));
    it.setting("Preempt is on: A, the Primary, takes the role back when it is well.");
    it.world.crash(A);
    it.run_for(seconds(5));
    it.world.answer(A, "TakeAddresses", Answer::FAILS);
    it.start(A);
    it.world.input(A, Input::Synchronized(true)).unwrap();
    it.run_for(seconds(60));
    assert_eq!(it.world.count(A, "TakeAddresses", seconds(100)), 1);
    assert_eq!(it.world.roles(), ACTIVE_B);
    it.compare("addresses_cannot_be_installed", "Addresses cannot be installed", "A loses its power and B takes over; when A is back it takes the role by preempt, but its system \
         refuses the addresses. A gives up and is demoted, B takes over once, and A does not try again.");
}
