//! A timeline as a picture: a panel for each service and group, and a strip for each alarm.

use super::svg::{Anchor, Pen, Svg};
use super::timeline::{Line, Timeline};
use jiff::Timestamp;
use std::time::Duration;

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const PANEL: f64 = 150.0;
const STRIP: f64 = 14.0;
/// Above each panel, for its name.
const HEAD: f64 = 26.0;
const FOOT: f64 = 40.0;

const INK: &str = "#24292f";
const GRID: &str = "#d8dee4";

/// A line of a panel.
struct Curve<'t> {
    name: &'static str,
    line: &'t Line<u32>,
    pen: Pen,
}

const fn solid(color: &'static str, width: f64) -> Pen {
    Pen {
        color,
        width,
        dashes: None,
    }
}

const fn dashed(color: &'static str) -> Pen {
    Pen {
        color,
        width: 1.0,
        dashes: Some("4 3"),
    }
}

const DESIRED: Pen = solid("#0969da", 2.0);
const ACTUAL: Pen = solid("#2da44e", 1.5);
const LEAVING: Pen = solid("#bc4c00", 1.5);
const MIN: Pen = dashed("#6e7781");
const MAX: Pen = dashed("#cf222e");

/// The whole picture.
#[must_use]
pub fn chart(timeline: &Timeline) -> String {
    let panels = rows(timeline.services.len() + timeline.groups.len());
    let strips = rows(timeline.alarms.len());
    let height = panels * (PANEL + HEAD) + HEAD + strips * (STRIP + 4.0) + FOOT;
    let mut chart = Chart {
        timeline,
        svg: Svg::new(WIDTH, height, "What the autoscaler does on this trace"),
        top: 0.0,
    };
    for (name, service) in &timeline.services {
        let curves = [
            ("max", &service.max, MAX),
            ("min", &service.min, MIN),
            ("running", &service.running, ACTUAL),
            ("desired", &service.desired, DESIRED),
        ];
        chart.panel(
            name,
            &curves.map(|(name, line, pen)| Curve { name, line, pen }),
        );
    }
    for (name, group) in &timeline.groups {
        let curves = [
            ("draining", &group.draining, LEAVING),
            ("active", &group.active, ACTUAL),
            ("desired", &group.desired, DESIRED),
        ];
        chart.panel(
            name,
            &curves.map(|(name, line, pen)| Curve { name, line, pen }),
        );
    }
    chart.alarms();
    chart.time_axis();
    chart.svg.finish()
}

fn rows(count: usize) -> f64 {
    u32::try_from(count).map_or(0.0, f64::from)
}

struct Chart<'t> {
    timeline: &'t Timeline,
    svg: Svg,
    top: f64,
}

impl Chart<'_> {
    fn x(&self, time: Timestamp) -> f64 {
        let seconds = |to: Timestamp| to.duration_since(self.timeline.from).as_secs_f64();
        let whole = seconds(self.timeline.to).max(1.0);
        LEFT + (WIDTH - LEFT - RIGHT) * (seconds(time) / whole).clamp(0.0, 1.0)
    }

    fn panel(&mut self, name: &str, curves: &[Curve]) {
        self.top += HEAD;
        self.svg
            .text(LEFT, self.top - 8.0, Anchor::Start, INK, name);
        let mut legend = WIDTH - RIGHT;
        for curve in curves.iter().rev() {
            let (y, color) = (self.top - 8.0, curve.pen.color);
            self.svg.text(legend, y, Anchor::End, color, curve.name);
            legend -= 60.0;
        }
        let values = curves.iter().flat_map(|curve| &curve.line.0);
        let most = values.map(|value| value.value).max().unwrap_or(0).max(1);
        let bottom = self.top + PANEL;
        let y = |value: u32| bottom - (PANEL - 10.0) * f64::from(value) / f64::from(most);
        for value in marks(most) {
            let (left, right) = (LEFT, WIDTH - RIGHT);
            self.svg
                .path(&[(left, y(value)), (right, y(value))], solid(GRID, 1.0));
            self.svg.text(
                left - 6.0,
                y(value) + 4.0,
                Anchor::End,
                INK,
                &value.to_string(),
            );
        }
        for curve in curves {
            let mut points = Vec::new();
            for value in &curve.line.0 {
                let x = self.x(value.from);
                if let Some((_, before)) = points.last().copied() {
                    points.push((x, before));
                }
                points.push((x, y(value.value)));
            }
            if let Some((_, last)) = points.last().copied() {
                points.push((WIDTH - RIGHT, last));
            }
            self.svg.path(&points, curve.pen);
        }
        self.top = bottom;
    }

    fn alarms(&mut self) {
        self.top += HEAD;
        self.svg
            .text(LEFT, self.top - 8.0, Anchor::Start, INK, "alarms");
        for (name, line) in &self.timeline.alarms {
            let ends = line.0.iter().skip(1).map(|value| value.from);
            for (value, end) in line.0.iter().zip(ends.chain([self.timeline.to])) {
                let (from, to) = (self.x(value.from), self.x(end));
                let color = match value.value.as_str() {
                    "OK" => "#dafbe1",
                    "ALARM" => "#ff8182",
                    "INSUFFICIENT_DATA" => "#eaeef2",
                    _ => "#ffd33d",
                };
                let told = format!("{name}: {}", value.value);
                self.svg
                    .rectangle(from, self.top, to - from, STRIP, color, &told);
            }
            self.svg
                .text(LEFT + 4.0, self.top + 11.0, Anchor::Start, INK, name);
            self.top += STRIP + 4.0;
        }
    }

    fn time_axis(&mut self) {
        let length = self
            .timeline
            .to
            .duration_since(self.timeline.from)
            .unsigned_abs();
        let hours = [1, 2, 3, 6, 12, 24, 48, 168, 24 * 30];
        let few = |hours: &&u64| length.as_secs() / (*hours * 3600) <= 12;
        let step = hours.iter().find(few).copied().unwrap_or(24 * 60);
        let mut time = self.timeline.from;
        while time <= self.timeline.to {
            let shown = self.timeline.zone.to_datetime(time);
            let (x, y) = (self.x(time), self.top + 16.0);
            let clock = shown.strftime("%H:%M").to_string();
            let date = shown.strftime("%m-%d").to_string();
            self.svg
                .path(&[(x, self.top), (x, self.top + 4.0)], solid(INK, 1.0));
            self.svg.text(x, y, Anchor::Middle, INK, &clock);
            self.svg.text(x, y + 13.0, Anchor::Middle, INK, &date);
            time += Duration::from_hours(step);
        }
    }
}

/// A few values to draw lines at, from 0 to at most `most`.
fn marks(most: u32) -> Vec<u32> {
    let steps = (0..9).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u32.pow(power)));
    let step = steps
        .into_iter()
        .find(|step| most / step <= 5)
        .unwrap_or(most);
    (0..=most / step).map(|mark| mark * step).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn marks_are_round() {
        for (most, marks) in [
            (1, vec![0, 1]),
            (5, vec![0, 1, 2, 3, 4, 5]),
            (7, vec![0, 2, 4, 6]),
            (25, vec![0, 5, 10, 15, 20, 25]),
            (26, vec![0, 5, 10, 15, 20, 25]),
            (100_000, vec![0, 20_000, 40_000, 60_000, 80_000, 100_000]),
        ] {
            assert_eq!(super::marks(most), marks, "{most}");
        }
    }
}
