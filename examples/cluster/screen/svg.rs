//! A screen as a picture: its cells as text with their colours.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

/// The size of a cell.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
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
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"5\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (row, cells) in (0..).zip(screen.content.chunks(columns.max(1).into())) {
        let y = MARGIN + f64::from(row) * HEIGHT + 0.75 * HEIGHT;
        for (column, run) in runs(cells) {
            text(&mut svg, MARGIN + column as f64 * WIDTH, y, run);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The cells of a row that look alike and stand side by side, each with its column; blank ones are left out.
fn runs(row: &[Cell]) -> impl Iterator<Item = (usize, &[Cell])> {
    let mut column = 0;
    let alike = row.chunk_by(|a, b| look(a) == look(b) && is_blank(a) == is_blank(b));
    let placed = alike.map(move |run| {
        let at = column;
        column += run.len();
        (at, run)
    });
    placed.filter(|(_, run)| !run.iter().all(is_blank))
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
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
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
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
