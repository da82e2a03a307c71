//! Line charts as SVG.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, ChartBuilder, Color, DrawingArea, IntoDrawingArea, LineSeries, PathElement, RGBColor, SVGBackend,
    SeriesLabelPosition, WHITE,
};

/// Pixels of one chart.
const SIZE: (u32, u32) = (1000, 450);
const FONT: &str = "sans-serif";

/// One quantity against another.
#[derive(Debug)]
pub struct Chart {
    /// The text above the chart.
    pub title: String,
    /// The axis from left to right.
    pub x: Axis,
    /// The axis from bottom to top.
    pub y: Axis,
    /// The lines in the order in which they are drawn, each over the ones before it.
    pub lines: Vec<Line>,
}

/// What is shown along one side.
#[derive(Debug)]
pub struct Axis {
    /// The text beside the axis; may be empty.
    pub name: &'static str,
    /// Linear from zero, or logarithmic.
    pub scale: Scale,
    /// Formats a value.
    pub label: fn(f64) -> String,
}

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Values from zero on, evenly spaced.
    Linear,
    /// Whole powers of ten, evenly spaced. Values below 1 are shown at 1.
    Logarithmic,
}

/// A line through points.
#[derive(Debug)]
pub struct Line {
    /// The name in the legend.
    pub name: String,
    /// Red, green and blue.
    pub color: [u8; 3],
    /// Width in pixels.
    pub width: u32,
    /// The points from left to right.
    pub points: Vec<(f64, f64)>,
}

/// Formats `value` in the unit that suits it. Each unit is a thousand times the one before it.
#[must_use]
pub fn in_units(value: f64, units: [&str; 4]) -> String {
    let (value, unit) = match value {
        ..1e3 => (value, 0),
        1e3..1e6 => (value / 1e3, 1),
        1e6..1e9 => (value / 1e6, 2),
        _ => (value / 1e9, 3),
    };
    format!("{value:.0} {}", units[unit])
}

/// Draws the charts below one another, as SVG.
///
/// # Errors
/// If they cannot be drawn.
pub fn svg(charts: &[Chart]) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let height = SIZE.1 * u32::try_from(charts.len())?;
        let root = SVGBackend::with_string(&mut svg, (SIZE.0, height)).into_drawing_area();
        root.fill(&WHITE)?;
        for (chart, area) in charts.iter().zip(root.split_evenly((charts.len(), 1))) {
            chart.draw(&area)?;
        }
        root.present()?;
    }
    Ok(svg)
}

impl Chart {
    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Box<dyn Error>> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let (across, up) = (self.x.range(points().map(|point| point.0)), self.y.range(points().map(|point| point.1)));
        let (columns, rows) = (self.x.scale.labels(&across), self.y.scale.labels(&up));
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 24))
            .margin(20)
            .margin_right(50)
            .x_label_area_size(45)
            .y_label_area_size(70)
            .build_cartesian_2d(across, up)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(BLACK.mix(0.15))
            .label_style((FONT, 16))
            .axis_desc_style((FONT, 18))
            .x_desc(self.x.name)
            .x_labels(columns)
            .x_label_formatter(&|&at| (self.x.label)(self.x.scale.value(at)))
            .y_desc(self.y.name)
            .y_labels(rows)
            .y_label_formatter(&|&at| (self.y.label)(self.y.scale.value(at)))
            .draw()?;
        for line in &self.lines {
            let [red, green, blue] = line.color;
            let style = RGBColor(red, green, blue).stroke_width(line.width);
            let points = line.points.iter().map(|&(x, y)| (self.x.scale.place(x), self.y.scale.place(y)));
            chart
                .draw_series(LineSeries::new(points, style))?
                .label(line.name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 25, y)], style));
        }
        chart
            .configure_series_labels()
            .position(if self.x.scale == Scale::Linear {
                SeriesLabelPosition::UpperRight
            } else {
                SeriesLabelPosition::UpperLeft
            })
            .label_font((FONT, 16))
            .legend_area_size(35)
            .margin(15)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()?;
        Ok(())
    }
}

impl Axis {
    /// The range from the least to the greatest place, widened to whole decades or to zero.
    fn range(&self, values: impl Iterator<Item = f64>) -> Range<f64> {
        let (least, most) = values
            .map(|value| self.scale.place(value))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), place| (least.min(place), most.max(place)));
        match self.scale {
            _ if least > most => 0.0..1.0,
            Scale::Linear => 0.0..most.max(1.0),
            Scale::Logarithmic => least.floor()..most.ceil().max(least.floor() + 1.0),
        }
    }
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.max(1.0).log10(),
        }
    }

    fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Logarithmic => 10_f64.powf(place),
        }
    }

    /// The most labels to draw: one for each decade of a logarithmic axis.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
    fn labels(self, range: &Range<f64>) -> usize {
        match self {
            Self::Linear => 11,
            Self::Logarithmic => (range.end - range.start) as usize + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, points: Vec<(f64, f64)>) -> Chart {
        let axis = || Axis { name: "axis", scale, label: |value| format!("<{value:.0}>") };
        let line = Line { name: "line".into(), color: [1, 2, 3], width: 2, points };
        Chart { title: "title".into(), x: axis(), y: axis(), lines: vec![line] }
    }

    #[test]
    fn a_chart_names_what_it_shows() {
        let svg = svg(&[chart(Scale::Logarithmic, vec![(10.0, 0.0), (200.0, 90.0)])]).expect("drawn");
        for text in ["title", "axis", "line", "&lt;10&gt;", "&lt;100&gt;", "&lt;1000&gt;", "#010203"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }

    #[test]
    fn charts_of_nothing_and_of_one_point_are_drawn() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            for points in [vec![], vec![(0.0, 0.0)], vec![(1.0, 1.0)]] {
                assert!(svg(&[chart(scale, points)]).expect("drawn").contains("</svg>"));
            }
        }
    }

    #[test]
    fn values_take_the_unit_that_suits_them() {
        let units = ["ns", "µs", "ms", "s"];
        let shown = [1.0, 100.0, 1e3, 1e5, 1e6, 1e9, 1e11].map(|value| in_units(value, units));
        assert_eq!(shown, ["1 ns", "100 ns", "1 µs", "100 µs", "1 ms", "1 s", "100 s"]);
    }
}
