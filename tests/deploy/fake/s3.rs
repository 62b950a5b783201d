//! A bucket with conditional writes.

use super::Faults;
use entry::aws::{AwsError, Get, Kind, ObjectInfo, OnlyIf, Pending, Put, S3, Sink};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

pub struct Bucket {
    faults: Rc<Faults>,
    objects: RefCell<BTreeMap<String, (Vec<u8>, String)>>,
    writes: Cell<usize>,
}

impl Bucket {
    pub fn new(faults: Rc<Faults>) -> Bucket {
        Bucket {
            faults,
            objects: RefCell::default(),
            writes: Cell::new(0),
        }
    }

    /// Objects of a folder, as JSON.
    pub fn all(&self, folder: &str) -> Vec<Value> {
        let objects = self.objects.borrow();
        let inside = objects.iter().filter(|(key, _)| key.contains(folder));
        inside
            .map(|(_, (body, _))| serde_json::from_slice(body).unwrap())
            .collect()
    }

    fn write(&self, put: &Put) -> Result<Option<String>, AwsError> {
        let mut objects = self.objects.borrow_mut();
        let etag = objects.get(&put.key).map(|(_, etag)| etag.clone());
        let allowed = match (&put.only_if, &etag) {
            (None, _) | (Some(OnlyIf::Absent), None) => true,
            (Some(OnlyIf::Unchanged(wanted)), Some(etag)) => wanted == etag,
            _ => false,
        };
        if !allowed {
            return Err(AwsError::new(Kind::Conflict, "s3:PutObject", &put.key, ""));
        }
        self.writes.set(self.writes.get() + 1);
        let etag = format!("\"{}\"", self.writes.get());
        objects.insert(put.key.clone(), (put.body.clone(), etag.clone()));
        Ok(Some(etag))
    }

    fn read(&self, get: &Get) -> Result<(Vec<u8>, String), AwsError> {
        let objects = self.objects.borrow();
        let found = objects.get(&get.key).cloned();
        found.ok_or_else(|| AwsError::new(Kind::NotFound, "s3:GetObject", &get.key, "(NoSuchKey)"))
    }
}

impl S3 for Bucket {
    fn get<'a>(
        &'a self,
        get: &'a Get,
        sink: &'a mut dyn Sink,
        _deadline: Instant,
    ) -> Pending<'a, ObjectInfo> {
        Box::pin(async move {
            let read = self.faults.pass("GetObject", || self.read(get)).await;
            let (body, etag) = read?;
            sink.restart().unwrap();
            sink.write(&body).unwrap();
            Ok(ObjectInfo {
                bytes: body.len() as u64,
                version_id: None,
                etag: Some(etag),
                checksum: None,
                metadata: BTreeMap::new(),
            })
        })
    }

    fn put<'a>(&'a self, put: &'a Put, _deadline: Instant) -> Pending<'a, Option<String>> {
        Box::pin(async move { self.faults.pass("PutObject", || self.write(put)).await })
    }
}
