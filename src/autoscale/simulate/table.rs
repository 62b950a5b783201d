//! A timeline as a table of what was decided.

use super::timeline::Timeline;
use comfy_table::Table;
use comfy_table::presets::NOTHING;

/// One line an event, in the trace's time zone.
#[must_use]
pub fn table(timeline: &Timeline) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["time", "what", "action", "why"]);
    for event in &timeline.events {
        let time = timeline.zone.to_datetime(event.at);
        let action = event.action.clone().unwrap_or_else(|| "–".to_owned());
        table.add_row([
            time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            event.subject.clone(),
            action,
            event.why.clone(),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index < 3 { 2 } else { 0 }));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}
