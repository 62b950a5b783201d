//! What the calls cost, for the start line.

use std::cell::Cell;
use std::rc::Rc;

/// Counts as they grow; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Counters(Rc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    kms_calls: Cell<u64>,
    s3_calls: Cell<u64>,
    ssm_calls: Cell<u64>,
    secrets_manager_calls: Cell<u64>,
    retries: Cell<u64>,
    bytes: Cell<u64>,
}

/// The counts at one moment. A call that was tried three times is one call and two retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub kms_calls: u64,
    pub s3_calls: u64,
    pub ssm_calls: u64,
    pub secrets_manager_calls: u64,
    pub retries: u64,
    /// Bytes of S3 objects that arrived or were sent, whole objects only.
    pub bytes: u64,
}

impl Counters {
    pub fn counts(&self) -> Counts {
        Counts {
            kms_calls: self.0.kms_calls.get(),
            s3_calls: self.0.s3_calls.get(),
            ssm_calls: self.0.ssm_calls.get(),
            secrets_manager_calls: self.0.secrets_manager_calls.get(),
            retries: self.0.retries.get(),
            bytes: self.0.bytes.get(),
        }
    }

    pub(crate) fn kms_call(&self) {
        add(&self.0.kms_calls, 1);
    }

    pub(super) fn s3_call(&self) {
        add(&self.0.s3_calls, 1);
    }

    pub(super) fn ssm_call(&self) {
        add(&self.0.ssm_calls, 1);
    }

    pub(super) fn secrets_manager_call(&self) {
        add(&self.0.secrets_manager_calls, 1);
    }

    pub(super) fn retry(&self) {
        add(&self.0.retries, 1);
    }

    pub(super) fn bytes(&self, bytes: u64) {
        add(&self.0.bytes, bytes);
    }
}

fn add(cell: &Cell<u64>, more: u64) {
    cell.set(cell.get().saturating_add(more));
}
