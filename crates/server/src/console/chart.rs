//! Users over time, as a picture made on the server: stacked areas, and the numbers beside it as a table for who does not see it.

use std::fmt::Write as _;

use directory::Timestamp;
use jiff::tz::TimeZone;
use store::census::{Hour, Stand};

use super::view::number;

/// Width and height of the picture in its own units.
const SIZE: (f64, f64) = (720.0, 180.0);
/// What is left for the numbers at its left, its top, and the days below.
const LEFT: f64 = 44.0;
const TOP: f64 = 10.0;
const BELOW: f64 = 22.0;

/// One point in time.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// What it is called.
    pub(super) label: String,
    /// How many there were.
    pub(super) stand: Stand,
}

/// A picture.
pub(super) struct Chart {
    /// Those of the table, oldest first.
    pub(super) points: Vec<Point>,
    pub(super) active: String,
    pub(super) held: String,
    pub(super) preserved: String,
    pub(super) lines: Vec<Line>,
    pub(super) labels: Vec<Label>,
}

/// A line across, with its number.
pub(super) struct Line {
    pub(super) y: String,
    pub(super) text_y: String,
    pub(super) number: String,
}

/// A day below.
pub(super) struct Label {
    pub(super) x: String,
    pub(super) text: String,
    pub(super) anchor: &'static str,
}

/// The last days, or hours where nothing is known that is older: what the census knows, and how many there are now.
pub(super) fn points(hours: &[Hour], now: Timestamp, stand: Stand) -> Vec<Point> {
    let known: Vec<(i64, Stand)> = hours
        .iter()
        .filter_map(|hour| Some((hour.hour, hour.stand?)))
        .collect();
    let this = store::census::hour_of(now);
    let first = known.first().map_or(this, |(hour, _)| *hour);
    let step = if this - first > 48 { 24 } else { 1 };
    let count = ((this - first) / step).clamp(1, if step == 24 { 30 } else { 48 });
    let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap_or(now);
    let label = |hour: i64| {
        let format = if step == 24 { "%-d %b" } else { "%H:%M" };
        at(hour)
            .to_zoned_datetime(TimeZone::UTC)
            .strftime(format)
            .to_string()
    };
    let mut points: Vec<Point> = (1..=count)
        .rev()
        .map(|back| {
            let hour = this - back * step;
            let found = known.iter().rev().find(|(known, _)| *known <= hour);
            Point {
                label: label(hour),
                stand: found.map_or_else(Stand::default, |(_, stand)| *stand),
            }
        })
        .collect();
    points.push(Point {
        label: "now".to_owned(),
        stand,
    });
    points
}

impl Chart {
    /// Draws them.
    pub(super) fn of(points: Vec<Point>) -> Self {
        let total = |stand: Stand| stand.active + stand.held + stand.preserved;
        let most = points
            .iter()
            .map(|point| total(point.stand))
            .max()
            .unwrap_or_default();
        let top = round_up(most.max(4));
        let bottom = SIZE.1 - BELOW;
        let y = |count: u64| bottom - (bottom - TOP) * ratio(count, top);
        let last = points.len().saturating_sub(1).max(1);
        let x = |at: usize| LEFT + (SIZE.0 - LEFT - 6.0) * ratio_of(at, last);
        let area = |below: &dyn Fn(Stand) -> u64, above: &dyn Fn(Stand) -> u64| {
            let mut path = String::new();
            for (at, point) in points.iter().enumerate() {
                let word = if at == 0 { 'M' } else { 'L' };
                // Writing to a string cannot fail.
                let _ = write!(path, "{word}{:.1} {:.1}", x(at), y(above(point.stand)));
            }
            for (at, point) in points.iter().enumerate().rev() {
                let _ = write!(path, "L{:.1} {:.1}", x(at), y(below(point.stand)));
            }
            path.push('Z');
            path
        };
        let lines = (0..=2).map(|part| {
            let count = top * part / 2;
            Line {
                y: format!("{:.1}", y(count)),
                text_y: format!("{:.1}", y(count) + 4.0),
                number: number(count),
            }
        });
        let labels = [0, last / 2, last].into_iter().filter(|at| *at < points.len());
        let mut labels: Vec<_> = labels
            .map(|at| Label {
                x: format!("{:.1}", x(at)),
                text: points[at].label.clone(),
                anchor: if at == last {
                    "end"
                } else if at == 0 {
                    "start"
                } else {
                    "middle"
                },
            })
            .collect();
        labels.dedup_by(|one, other| one.x == other.x);
        Self {
            active: area(&|_| 0, &|stand| stand.active),
            held: area(&|stand| stand.active, &|stand| stand.active + stand.held),
            preserved: area(&|stand| stand.active + stand.held, &total),
            lines: lines.collect(),
            labels,
            points,
        }
    }
}

/// The next number that people like at the top of a scale.
fn round_up(count: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [2, 4, 6, 10] {
            if count <= unit.saturating_mul(factor) {
                return unit.saturating_mul(factor);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[expect(clippy::cast_precision_loss, reason = "it becomes a place in a picture")]
fn ratio(count: u64, of: u64) -> f64 {
    count as f64 / of.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "it becomes a place in a picture")]
fn ratio_of(at: usize, of: usize) -> f64 {
    at as f64 / of.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64, active: u64) -> Hour {
        Hour {
            hour,
            stand: Some(Stand {
                active,
                held: 0,
                preserved: 1,
            }),
            flow: store::census::Flow::default(),
        }
    }

    #[test]
    fn a_point_has_what_was_known_last() {
        let now = Timestamp::from_second(1_000 * 3600).unwrap();
        let stand = Stand {
            active: 9,
            held: 1,
            preserved: 2,
        };
        let shown = points(&[hour(900, 3), hour(990, 7)], now, stand);
        assert_eq!(shown.len(), 5, "four days back, and now");
        assert_eq!(shown[0].stand.active, 3);
        assert_eq!(shown[3].stand.active, 3, "a day ago");
        assert_eq!(shown[4].stand, stand);
        assert_eq!(points(&[], now, stand).len(), 2, "a picture needs two points");
        let chart = Chart::of(shown);
        assert!(chart.active.starts_with('M') && chart.active.ends_with('Z'));
        assert_eq!(chart.lines[2].number, "20");
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([4, 11, 61, 1_000_001].map(round_up), [4, 20, 100, 2_000_000]);
    }
}
