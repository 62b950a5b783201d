//! Which of several copies acts: the one that holds the lease. What it remembers lies in the lease, for the next.

use super::stored;
use crate::autoscale::decide::Memory;
use crate::aws::{AwsError, S3};
use crate::state::{Held, Hold, Place, Record, SKEW};
use jiff::Timestamp;
use std::time::Duration;

/// The lease's name.
pub const LEASE: &str = "autoscale";

/// A copy that has died is replaced after that long at most, however short the polls are.
const SHORTEST: Duration = Duration::from_mins(1);

/// The clock on the wall.
pub type Clock<'a> = &'a dyn Fn() -> Timestamp;

/// The right to act.
pub struct Lead<'s> {
    shared: Option<Shared<'s>>,
    hold: Option<Hold<'s>>,
}

/// Where copies meet, and who this one is.
struct Shared<'s> {
    s3: &'s dyn S3,
    place: Place,
    me: Record,
    length: Duration,
}

/// What came of an attempt to lead.
pub enum Taken {
    /// With what was remembered, or why that is lost.
    Ours(Result<Memory, String>),
    /// Somebody else leads, until then if that is the last of it.
    Other {
        holder: String,
        until: Timestamp,
    },
    Failed(AwsError),
}

/// What came of an attempt to go on leading.
pub enum Kept {
    /// It is ours until then, and has the memory in it.
    Until(Timestamp),
    /// It may be ours, but the memory is not in it.
    Unsure,
    /// It is no longer ours.
    Lost(String),
}

/// How long a dead leader is waited for at most.
#[must_use]
pub fn takeover(polling_interval: Duration) -> Duration {
    (polling_interval * 3).max(SHORTEST)
}

/// Those who wait for its end add how far clocks may differ.
fn length(polling_interval: Duration) -> Duration {
    takeover(polling_interval).saturating_sub(SKEW)
}

impl<'s> Lead<'s> {
    /// The only copy there is.
    #[must_use]
    pub fn alone() -> Lead<'s> {
        Lead {
            shared: None,
            hold: None,
        }
    }

    /// One of several that meet at `place`. `id` is this copy's alone.
    #[must_use]
    pub fn shared(
        s3: &'s dyn S3,
        place: Place,
        holder: String,
        id: String,
        polling_interval: Duration,
    ) -> Lead<'s> {
        let me = Record {
            holder,
            id,
            message: String::new(),
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            released: false,
            kept: serde_json::Value::Null,
        };
        let shared = Shared {
            s3,
            place,
            me,
            length: length(polling_interval),
        };
        Lead {
            shared: Some(shared),
            hold: None,
        }
    }

    /// The lease outlasts the polls.
    pub fn set_polling_interval(&mut self, polling_interval: Duration) {
        let length = length(polling_interval);
        if let Some(shared) = &mut self.shared {
            shared.length = length;
        }
        if let Some(hold) = &mut self.hold {
            hold.set_length(length);
        }
    }

    pub fn is_alone(&self) -> bool {
        self.shared.is_none()
    }

    /// Takes the lead if nobody has it.
    pub async fn take(&mut self, now: Clock<'_>) -> Taken {
        let Some(shared) = &self.shared else {
            return Taken::Ours(Ok(Memory::default()));
        };
        let Shared {
            s3,
            place,
            me,
            length,
        } = shared;
        match Hold::take(*s3, place, LEASE, me, *length, now).await {
            Ok(Held::Ours(hold)) => {
                let memory = stored::read(&hold.record().kept);
                self.hold = Some(*hold);
                Taken::Ours(memory)
            }
            Ok(Held::Other(other)) => Taken::Other {
                until: other.until,
                holder: other.holder,
            },
            Err(error) => Taken::Failed(error),
        }
    }

    /// Goes on leading, with this to remember.
    pub async fn keep(&mut self, memory: &Memory, now: Clock<'_>) -> Kept {
        let Some(hold) = &mut self.hold else {
            return match self.shared {
                None => Kept::Until(Timestamp::MAX),
                Some(_) => Kept::Lost("it is not held".to_owned()),
            };
        };
        let kept = stored::write(memory);
        // The first may only find out that an earlier write, whose reply was lost, is there.
        for _ in 0..2 {
            if let Err(lost) = hold.renew(Some(kept.clone()), now()).await {
                self.hold = None;
                return Kept::Lost(lost.to_string());
            }
            if hold.record().kept == kept && now() < hold.until() {
                return Kept::Until(hold.until());
            }
        }
        Kept::Unsure
    }

    /// Lets the next lead at once.
    pub async fn release(self, memory: &Memory) -> Result<(), AwsError> {
        match self.hold {
            Some(hold) => hold.release(Some(stored::write(memory))).await,
            None => Ok(()),
        }
    }
}
