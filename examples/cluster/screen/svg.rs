//! A screen as a picture: its cells as text with their colours.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

/// The size of the letters, and of a cell: so wide is a letter of this size in a usual font.
const SIZE: f64 = 15.0;
const WIDTH: f64 = 9.0;
const HEIGHT: f64 = 19.0;
/// The space around.
const MARGIN: f64 = 12.0;
const BACKGROUND: &str = "#282d35";

/// How a cell looks.
type Look = (Color, Modifier);

/// The picture of a screen.
pub(crate) fn picture(screen: &Buffer) -> String {
    let (columns, rows) = (screen.area.width, screen.area.height);
    let width = f64::from(columns) * WIDTH + 2.0 * MARGIN;
    let height = f64::from(rows) * HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"{SIZE}\" \
         xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"5\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (row, cells) in (0..).zip(screen.content.chunks(columns.max(1).into())) {
        let y = MARGIN + f64::from(row) * HEIGHT + (0.75 * HEIGHT).round();
        for (column, run) in runs(cells) {
            text(&mut svg, MARGIN + column as f64 * WIDTH, y, run);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The cells of a row that look alike and stand side by side, each with its column, without the blanks around. A frame
/// stands for itself: so it is in its place, whatever font there is.
fn runs(row: &[Cell]) -> impl Iterator<Item = (usize, &[Cell])> {
    let mut column = 0;
    let alike = row.chunk_by(|a, b| look(a) == look(b) && is_frame(a) == is_frame(b));
    alike.filter_map(move |run| {
        let from = column;
        column += run.len();
        let first = run.iter().position(|cell| !is_blank(cell))?;
        let last = run.iter().rposition(|cell| !is_blank(cell))?;
        Some((from + first, run.get(first..=last)?))
    })
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

fn is_frame(cell: &Cell) -> bool {
    cell.symbol().starts_with(|it| ('\u{2500}'..='\u{257f}').contains(&it))
}

fn look(cell: &Cell) -> Look {
    (cell.fg, cell.modifier)
}

fn text(svg: &mut String, x: f64, y: f64, run: &[Cell]) {
    let Some((colour, modifier)) = run.first().map(look) else { return };
    let is_dim = modifier.contains(Modifier::DIM);
    let fill = match colour {
        Color::Green => "#a8cc8c",
        Color::Red => "#e88388",
        Color::Yellow => "#dbab79",
        Color::Cyan => "#66c2cd",
        _ if is_dim => "#79808c",
        _ => "#b9c0cb",
    };
    let weight = if modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    // Whatever font there is, the columns stay where they are.
    let length = run.len() as f64 * WIDTH;
    // A string takes everything.
    let _ = write!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" \
         fill=\"{fill}\"{weight}>"
    );
    for cell in run {
        match cell.symbol() {
            "<" => svg.push_str("&lt;"),
            ">" => svg.push_str("&gt;"),
            "&" => svg.push_str("&amp;"),
            symbol => svg.push_str(symbol),
        }
    }
    svg.push_str("</text>\n");
}
