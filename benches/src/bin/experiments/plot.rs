//! The picture: bytes held and time per call against the index.

use std::error::Error;

use fib_benches::table::grouped;
use fib_core::Kernel;
use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, ChartBuilder, Color, DrawingArea, IntoDrawingArea, LineSeries, PathElement, RGBColor, SVGBackend,
    SeriesLabelPosition, ShapeStyle, WHITE,
};

use crate::run::{Iterator, Outcome, Turn};

const SIZE: (u32, u32) = (1000, 900);
const FONT: &str = "sans-serif";

/// Lines that coincide stay visible: each is thinner than the one below it.
fn style(iterator: Iterator) -> ShapeStyle {
    let (color, width) = match iterator {
        Iterator::Regular => (RGBColor(0xd5, 0x5e, 0x00), 3),
        Iterator::Optimized => (RGBColor(0x8c, 0xc8, 0xf0), 9),
        Iterator::MemoryLimited => (RGBColor(0x00, 0x5a, 0x9c), 5),
        Iterator::Unified => (RGBColor(0xff, 0xd9, 0x2f), 2),
    };
    color.stroke_width(width)
}

/// One quantity against the index. Its axis is logarithmic: Regular holds ten thousand times as much as the others.
struct Panel {
    title: String,
    value: fn(&Turn) -> f64,
    /// What 10^0, 10^3, ... of the quantity are called.
    units: [&'static str; 4],
}

/// The picture of these outcomes as SVG.
pub(crate) fn svg(outcomes: &[Outcome]) -> Result<String, Box<dyn Error>> {
    let bytes =
        Panel { title: "Bytes held".into(), value: |turn| turn.bytes_held as f64, units: ["B", "kB", "MB", "GB"] };
    let time = Panel {
        title: format!("Time per call, {} kernel", Kernel::current()),
        value: |turn| turn.nanoseconds_per_call,
        units: ["ns", "µs", "ms", "s"],
    };

    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (upper, lower) = root.split_vertically(SIZE.1 / 2);
        bytes.draw(&upper, outcomes)?;
        time.draw(&lower, outcomes)?;
        root.present()?;
    }
    Ok(svg)
}

impl Panel {
    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
        // Before F(1) nothing is held.
        let log = |turn: &Turn| (self.value)(turn).max(1.0).log10();
        let turns = || outcomes.iter().flat_map(|outcome| &outcome.turns);
        let calls = turns().map(|turn| turn.calls).max().unwrap_or(1);
        let least = turns().map(log).reduce(f64::min).unwrap_or(0.0).floor();
        let most = turns().map(log).reduce(f64::max).unwrap_or(0.0).ceil().max(least + 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
        let decades = (most - least) as usize;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 24))
            .margin(20)
            .margin_right(50)
            .x_label_area_size(45)
            .y_label_area_size(70)
            .build_cartesian_2d(0..calls, least..most)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(BLACK.mix(0.15))
            .label_style((FONT, 16))
            .axis_desc_style((FONT, 18))
            .x_desc("index")
            .x_label_formatter(&|&calls| grouped(calls))
            .y_labels(decades + 1)
            .y_label_formatter(&|&exponent| self.label(exponent))
            .draw()?;
        for outcome in outcomes {
            let style = style(outcome.iterator);
            let line = outcome.turns.iter().map(|turn| (turn.calls, log(turn)));
            chart
                .draw_series(LineSeries::new(line, style))?
                .label(outcome.iterator.name())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 25, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font((FONT, 16))
            .legend_area_size(35)
            .margin(15)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()?;
        Ok(())
    }

    /// 10 to the power of `exponent` in the unit that suits it.
    fn label(&self, exponent: f64) -> String {
        let (power, unit) = match exponent {
            ..3.0 => (exponent, 0),
            3.0..6.0 => (exponent - 3.0, 1),
            6.0..9.0 => (exponent - 6.0, 2),
            _ => (exponent - 9.0, 3),
        };
        format!("{:.0} {}", 10_f64.powf(power), self.units[unit])
    }
}
