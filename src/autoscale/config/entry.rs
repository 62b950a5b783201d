//! `scheduled_min_task_count` and `scheduled_max_task_count`.

use super::reader::Reader;
use super::schema;
use crate::autoscale::schedule::{Entry, Schedule};
use crate::config::decode::{Decoder, Fields, Item};
use jiff::tz::TimeZone;

impl<'a> Reader<'a> {
    pub(super) fn schedule(&mut self, item: &Item, zone: &TimeZone) -> Option<Schedule> {
        let items = self.decoder.list(item, "a list of maps");
        let entries: Vec<_> = items.iter().map(|item| self.entry(item, zone)).collect();
        let entries = entries.into_iter().collect::<Option<Vec<Entry>>>()?;
        for (place, (later, item)) in entries.iter().zip(&items).enumerate() {
            let before = entries.iter().zip(&items).take(place);
            let mut hiding = before.filter(|(first, _)| hides(first, later));
            if let Some((_, first)) = hiding.next() {
                let message = format!("never counts, {} is open whenever it is", first.path);
                self.warn(
                    item,
                    message,
                    "the first open entry counts: put this one before it",
                );
            }
        }
        Some(Schedule { entries })
    }

    fn entry(&mut self, item: &Item, zone: &TimeZone) -> Option<Entry> {
        let fields = self.decoder.table(item, &schema::ENTRY)?;
        let from = self.needed(&fields, "from", "write from: H:MM", Decoder::clock);
        let to = self.needed(&fields, "to", "write to: H:MM", Decoder::clock);
        let count = self.needed(&fields, "count", "write count: TASKS", |decoder, item| {
            decoder.tasks(item, 0)
        });
        let days = self.several(&fields, "days", "a weekday", Decoder::weekdays);
        let dates = self.several(&fields, "dates", "a date", Decoder::dates);
        let (from, to) = (from?, to?);
        if from == to || from.is_end_of_day() {
            let remedy = "write 0:00 and 24:00 for the whole day";
            self.decoder
                .problem(item, "the window is never open", remedy);
            return None;
        }
        Some(Entry {
            zone: zone.clone(),
            from,
            to,
            count: count?,
            days: days?.concat(),
            dates: dates?,
        })
    }

    /// One value or a list of them; empty if nothing is written.
    fn several<T>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        what: &str,
        read: impl Fn(&mut Decoder<'a>, &Item) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(item) = fields.get(name) else {
            return Some(Vec::new());
        };
        let items = self.decoder.one_or_more(&item, what);
        let read = |item| read(&mut self.decoder, item);
        let values: Vec<Option<T>> = items.iter().map(read).collect();
        // An empty list is a problem already.
        let values = values.into_iter().collect::<Option<Vec<T>>>();
        values.filter(|values| !values.is_empty())
    }
}

/// Whether the first entry is open whenever the second is.
fn hides(first: &Entry, second: &Entry) -> bool {
    let overnight = |entry: &Entry| entry.from > entry.to;
    let on_days = first.days.is_empty()
        || !second.days.is_empty() && second.days.iter().all(|day| first.days.contains(day));
    overnight(first) == overnight(second)
        && first.from <= second.from
        && second.to <= first.to
        && on_days
        && (first.dates.is_empty() || first.dates == second.dates)
}
