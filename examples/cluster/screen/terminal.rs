//! The screen on a terminal, until somebody quits.

use super::Screen;
use super::keys::{Selection, Wish};
use crate::cluster::Cluster;
use crate::setup::Setup;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use std::error::Error;
use std::time::Duration;
use tokio::runtime::Runtime;

/// It is drawn so often, and after each key.
const REDRAW: Duration = Duration::from_millis(50);

pub(crate) fn run(setup: Setup, workers: &Runtime) -> Result<(), Box<dyn Error>> {
    let mut cluster = workers.block_on(Cluster::start(setup, false, workers.handle().clone()))?;
    let mut terminal = ratatui::try_init()?;
    let result = show(&mut terminal, &mut cluster, workers);
    ratatui::try_restore()?;
    result
}

fn show(
    terminal: &mut DefaultTerminal,
    cluster: &mut Cluster,
    workers: &Runtime,
) -> Result<(), Box<dyn Error>> {
    let mut selection = None;
    loop {
        let view = workers.block_on(cluster.view())?;
        selection = selection.or_else(|| Selection::new(&view));
        let screen = Screen { view: &view, selection };
        terminal.draw(|frame| frame.render_widget(screen, frame.area()))?;
        if event::poll(REDRAW)?
            && let Event::Key(key) = event::read()?
            && key.is_press()
            && let Some(selection) = &mut selection
        {
            match selection.press(key, &view) {
                Wish::Nothing => {}
                // What could not be done is among the events.
                Wish::Do(order) => drop(workers.block_on(cluster.carry_out(order))?),
                Wish::Quit => return Ok(()),
            }
        }
    }
}
