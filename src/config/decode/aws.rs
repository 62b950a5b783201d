//! `aws`: how AWS is called during the boot.

use super::{Decoder, Item};
use crate::config::mode::Aws;
use crate::config::schema;
use std::time::Duration;

/// Beyond it an ECS service has long given the task up.
const LONGEST: Duration = Duration::from_hours(1);

impl Decoder<'_> {
    pub fn aws(&mut self, item: &Item) -> Aws {
        let unwritten = Aws::default();
        let Some(fields) = self.table(item, &schema::AWS) else {
            return unwritten;
        };
        let region = fields.get("region").and_then(|item| self.word(&item));
        let timeout = fields
            .get("timeout")
            .and_then(|item| self.duration(&item, false, LONGEST));
        let in_flight = fields
            .get("in_flight")
            .and_then(|item| self.number(&item, 1..=256))
            .and_then(|number| usize::try_from(number).ok());
        Aws {
            region: region.map(|text| text.value),
            timeout: timeout.unwrap_or(unwritten.timeout),
            in_flight: in_flight.unwrap_or(unwritten.in_flight),
        }
    }
}
