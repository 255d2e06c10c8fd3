//! The figures, as a table.

use std::fmt;

#[derive(Default)]
pub struct Table(Vec<Line>);

struct Line {
    what: String,
    ours: String,
    control: String,
    result: String,
    required: String,
    ok: bool,
}

impl Table {
    /// A rate, the rate of the control, and the required ratio.
    pub fn times(&mut self, what: &str, unit: &str, ours: f64, control: f64, ratio: f64, required: f64) {
        self.0.push(Line {
            what: what.to_owned(),
            ours: format!("{} {unit}", rounded(ours)),
            control: format!("{} {unit}", rounded(control)),
            result: format!("{ratio:.2} x"),
            required: format!("{required} x"),
            ok: ratio >= required,
        });
    }

    /// A figure with its upper limit.
    pub fn at_most(&mut self, what: &str, unit: &str, ours: f64, limit: f64) {
        self.0.push(Line {
            what: what.to_owned(),
            ours: format!("{ours:.2} {unit}"),
            control: String::new(),
            result: String::new(),
            required: format!("<= {limit} {unit}"),
            ok: ours <= limit,
        });
    }

    /// A figure with its upper limit, beside the control.
    pub fn at_most_beside(&mut self, what: &str, unit: &str, ours: f64, control: f64, limit: f64) {
        self.0.push(Line {
            what: what.to_owned(),
            ours: format!("{ours:.2} {unit}"),
            control: format!("{control:.2} {unit}"),
            result: format!("{:.2} x", ours / control),
            required: format!("<= {limit} {unit}"),
            ok: ours <= limit,
        });
    }

    /// A figure, the same figure under other conditions, and the greatest allowed ratio.
    pub fn within(&mut self, what: &str, unit: &str, ours: f64, other: f64, factor: f64) {
        let ratio = ours / other;
        self.0.push(Line {
            what: what.to_owned(),
            ours: format!("{ours:.2} {unit}"),
            control: format!("{other:.2} {unit}"),
            result: format!("{ratio:.2} x"),
            required: format!("<= {factor} x"),
            ok: ratio <= factor,
        });
    }

    /// A figure with its lower limit.
    pub fn at_least(&mut self, what: &str, unit: &str, ours: f64, limit: f64) {
        self.0.push(Line {
            what: what.to_owned(),
            ours: format!("{} {unit}", rounded(ours)),
            control: String::new(),
            result: String::new(),
            required: format!(">= {} {unit}", rounded(limit)),
            ok: ours >= limit,
        });
    }
}

/// 12345.6 as 12,346.
fn rounded(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or("")).collect();
    groups.join(",")
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["what", "ours", "control", "ratio", "required", ""];
        let rows: Vec<[&str; 6]> = self
            .0
            .iter()
            .map(|line| {
                let verdict = if line.ok { "ok" } else { "short" };
                [&*line.what, &line.ours, &line.control, &line.result, &line.required, verdict]
            })
            .collect();
        let mut widths = heads.map(str::len);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in std::iter::once(&heads).chain(&rows) {
            let [what, ours, control, ratio, required, verdict] = row;
            let [a, b, c, d, e, _] = widths;
            writeln!(f, "{what:a$}  {ours:>b$}  {control:>c$}  {ratio:>d$}  {required:>e$}  {verdict}")?;
        }
        Ok(())
    }
}
