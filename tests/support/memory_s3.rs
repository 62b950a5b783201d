//! S3 in memory, with conditional writes: for races and faults that cannot be had from an emulator.

use entry::aws::{AwsError, Get, Kind, ObjectInfo, OnlyIf, Pending, Put, S3, Sink};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does nothing, and says so.
    Fails,
    /// It is done, and the reply is lost.
    ReplyLost,
}

type Faults = dyn FnMut(u64) -> Option<Fault>;

/// A bucket for each name, and what was written when.
#[derive(Default)]
pub struct MemoryS3 {
    objects: RefCell<BTreeMap<String, (Vec<u8>, u64)>>,
    calls: RefCell<u64>,
    /// Called with the number of each call, from 1.
    fault: RefCell<Option<Box<Faults>>>,
}

impl MemoryS3 {
    pub fn faults(&self, fault: impl FnMut(u64) -> Option<Fault> + 'static) {
        *self.fault.borrow_mut() = Some(Box::new(fault));
    }

    pub fn object(&self, url: &str) -> Option<Vec<u8>> {
        let objects = self.objects.borrow();
        objects.get(url).map(|(body, _)| body.clone())
    }

    pub fn urls(&self) -> Vec<String> {
        self.objects.borrow().keys().cloned().collect()
    }

    fn next(&self) -> Option<Fault> {
        *self.calls.borrow_mut() += 1;
        let number = *self.calls.borrow();
        self.fault
            .borrow_mut()
            .as_mut()
            .and_then(|fault| fault(number))
    }
}

fn lost(action: &str, url: &str) -> AwsError {
    AwsError::new(Kind::Connect, action, url, "the connection broke")
}

impl S3 for MemoryS3 {
    fn get<'a>(
        &'a self,
        get: &'a Get,
        sink: &'a mut dyn Sink,
        _: Instant,
    ) -> Pending<'a, ObjectInfo> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let url = get.url();
            if self.next().is_some() {
                return Err(lost("s3:GetObject", &url));
            }
            let objects = self.objects.borrow();
            let Some((body, etag)) = objects.get(&url) else {
                let detail = "no such key (NoSuchKey)";
                return Err(AwsError::new(Kind::NotFound, "s3:GetObject", &url, detail));
            };
            sink.restart().unwrap();
            sink.write(body).unwrap();
            Ok(ObjectInfo {
                bytes: body.len() as u64,
                version_id: None,
                etag: Some(etag.to_string()),
                checksum: None,
                metadata: BTreeMap::new(),
            })
        })
    }

    fn put<'a>(&'a self, put: &'a Put, _: Instant) -> Pending<'a, Option<String>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let url = format!("s3://{}/{}", put.bucket, put.key);
            let fault = self.next();
            if fault == Some(Fault::Fails) {
                return Err(lost("s3:PutObject", &url));
            }
            let mut objects = self.objects.borrow_mut();
            let there = objects.get(&url).map(|(_, etag)| etag.to_string());
            let fits = match &put.only_if {
                None => true,
                Some(OnlyIf::Absent) => there.is_none(),
                Some(OnlyIf::Unchanged(etag)) => there.as_ref() == Some(etag),
            };
            if !fits {
                let detail = "(PreconditionFailed)";
                return Err(AwsError::new(Kind::Conflict, "s3:PutObject", &url, detail));
            }
            let etag = *self.calls.borrow();
            objects.insert(url.clone(), (put.body.clone(), etag));
            match fault {
                Some(_) => Err(lost("s3:PutObject", &url)),
                None => Ok(Some(etag.to_string())),
            }
        })
    }
}
