//! As much of SVG as the chart needs.

use std::fmt::{Display, Write};

/// A picture being drawn.
pub struct Svg(String);

/// A stroke's color, its width, and its dashes if it has any.
#[derive(Clone, Copy)]
pub struct Pen {
    pub color: &'static str,
    pub width: f64,
    pub dashes: Option<&'static str>,
}

/// Where a text is fastened.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub fn new(width: f64, height: f64, title: &str) -> Svg {
        let mut svg = Svg(String::new());
        svg.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\" \
             role=\"img\">\n<title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            escaped(title)
        ));
        svg
    }

    fn add(&mut self, text: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{text}");
    }

    pub fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str, told: &str) {
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{fill}\"><title>{}</title></rect>\n",
            escaped(told)
        ));
    }

    /// A line through these points.
    pub fn path(&mut self, points: &[(f64, f64)], pen: Pen) {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
        }
        let dashes = pen
            .dashes
            .map(|dashes| format!(" stroke-dasharray=\"{dashes}\""));
        self.add(format_args!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}/>\n",
            pen.color,
            pen.width,
            dashes.unwrap_or_default()
        ));
    }

    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, fill: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{}</text>\n",
            escaped(text)
        ));
    }

    pub fn finish(mut self) -> String {
        self.add("</svg>\n");
        self.0
    }
}

/// Names come from files: whatever they hold stays text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_stay_text() {
        assert_eq!(
            super::escaped("a<b>&\"c\"\u{1b}"),
            "a&lt;b&gt;&amp;&quot;c&quot; "
        );
    }
}
