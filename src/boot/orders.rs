//! Files that the mode orders: where each goes, and bringing one here.

use super::folder::Folders;
use super::staging::{Journal, Staged, StagingError, Wanted};
use crate::aws::{Clients, CustomerKey, Get, Kind, Sink};
use crate::config::{ClientSide, FetchedFile, Origin, S3Origin};
use crate::fetch::object::{self, ObjectError, Sealed};
use crate::program::users::{self, Identity};
use bytesize::ByteSize;
use nix::unistd::Uid;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;
use zeroize::Zeroizing;

/// A file on its way.
pub struct Order<'m, 'j> {
    pub file: &'m FetchedFile,
    staged: Staged<'j>,
}

/// Makes room for a file; none of its bytes are here yet.
pub fn place<'m, 'j>(
    file: &'m FetchedFile,
    app: &Identity,
    folders: &mut Folders,
    journal: &'j dyn Journal,
) -> Result<Order<'m, 'j>, String> {
    let owner = owner(file.user.as_deref(), file.group.as_deref(), app)?;
    let target = &file.to.path;
    let folder = folders
        .ready(target.parent().unwrap_or(target), &owner, journal)
        .map_err(|error| error.to_string())?;
    let wanted = Wanted {
        target,
        mode: file.to.mode,
        owner: owner.owner(),
    };
    let staged = Staged::begin(&wanted, folder, journal).map_err(|error| error.to_string())?;
    Ok(Order { file, staged })
}

/// Whom a file is for: its own user and group, else the app's.
pub fn owner(user: Option<&str>, group: Option<&str>, app: &Identity) -> Result<Identity, String> {
    if user.is_none() && group.is_none() {
        return Ok(app.clone());
    }
    let own = app.uid.to_string();
    let owner = users::of_image(user.unwrap_or(&own), group).map_err(|error| error.to_string())?;
    let us = Uid::effective();
    if !us.is_root() && owner.uid != us.as_raw() {
        return Err(format!(
            "user {}: only root can give a file away: run entry as root, or leave user out",
            owner.uid
        ));
    }
    Ok(owner)
}

impl<'j> Order<'_, 'j> {
    pub fn is_local(&self) -> bool {
        matches!(self.file.from, Origin::Local(_))
    }

    /// The vault that has the key of the object, if it was encrypted with one of the customer's.
    pub fn waits_for_secrets(&self) -> bool {
        matches!(
            &self.file.from,
            Origin::S3(S3Origin {
                customer_key: Some(_),
                ..
            })
        )
    }

    /// From a path of this container.
    pub fn copy(mut self) -> Result<Staged<'j>, String> {
        let Origin::Local(path) = &self.file.from else {
            return Err(self.line(&"is not here"));
        };
        match copy(path, self.file.max_bytes, &mut self.staged) {
            Ok(()) => Ok(self.staged),
            Err(CopyError::Read(problem)) => {
                Err(self.line(&format!("{}: {problem}", self.file.from)))
            }
            Err(CopyError::Write(error)) => Err(self.line(&error)),
        }
    }

    /// From S3. Where AWS refused, its error can be explained better by who has the clients.
    pub async fn download(
        mut self,
        clients: &Clients,
        customer_key: Option<CustomerKey>,
        deadline: Instant,
    ) -> Result<Staged<'j>, Refused> {
        let Origin::S3(object) = &self.file.from else {
            return Err(Refused::Line(self.line(&"is not on S3")));
        };
        let get = Get {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            version_id: object.version_id.clone(),
            customer_key,
            max_bytes: self.file.max_bytes,
        };
        match &object.client_side {
            Some(client_side) => self.unseal(clients, &get, client_side, deadline).await?,
            None => self.stream(clients, &get, deadline).await?,
        }
        match self.staged.finish() {
            Ok(()) => Ok(self.staged),
            Err(error) => Err(Refused::Line(self.line(&error))),
        }
    }

    async fn stream(
        &mut self,
        clients: &Clients,
        get: &Get,
        deadline: Instant,
    ) -> Result<(), Refused> {
        let mut sink = Passing {
            staged: &mut self.staged,
            failure: None,
        };
        let got = clients.s3().get(get, &mut sink, deadline).await;
        let failure = sink.failure.take();
        match (got, failure) {
            (Ok(_), _) => Ok(()),
            (Err(error), Some(failure)) if error.kind == Kind::Write => {
                Err(Refused::Line(self.line(&failure)))
            }
            (Err(error), _) => Err(Refused::Call(ObjectError::Object(error))),
        }
    }

    /// A sealed object is in memory as a whole: nothing of it is good before its tag was.
    async fn unseal(
        &mut self,
        clients: &Clients,
        get: &Get,
        client_side: &ClientSide,
        deadline: Instant,
    ) -> Result<(), Refused> {
        let sealed = Sealed {
            get,
            policy: &client_side.policy,
            key_id: client_side.key_id.as_deref(),
        };
        let opened = object::open(clients.s3(), clients.kms(), &sealed, deadline).await;
        let content = opened.map_err(Refused::Call)?;
        let written = self.staged.write(&content);
        written.map_err(|error| Refused::Line(self.line(&error)))
    }

    fn line(&self, problem: &dyn std::fmt::Display) -> String {
        format!("{}: {problem}", self.file.declared_at)
    }
}

/// Why an object is not here.
pub enum Refused {
    /// All is said.
    Line(String),
    Call(ObjectError),
}

/// Passes an object's bytes on, and keeps why they could not be written.
struct Passing<'a, 'j> {
    staged: &'a mut Staged<'j>,
    failure: Option<StagingError>,
}

impl Passing<'_, '_> {
    fn keep(&mut self, done: Result<(), StagingError>) -> io::Result<()> {
        done.map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.failure = Some(error);
            told
        })
    }
}

impl Sink for Passing<'_, '_> {
    fn restart(&mut self) -> io::Result<()> {
        let done = self.staged.restart();
        self.keep(done)
    }

    fn write(&mut self, part: &[u8]) -> io::Result<()> {
        let done = self.staged.write(part);
        self.keep(done)
    }
}

enum CopyError {
    Read(String),
    Write(StagingError),
}

/// Copies a regular file, as long as it is at most `max` bytes, even if it grows meanwhile.
fn copy(path: &Path, max: u64, staged: &mut Staged) -> Result<(), CopyError> {
    let read = |error: io::Error| CopyError::Read(error.to_string());
    // A FIFO would keep the boot waiting.
    let found = std::fs::metadata(path).map_err(read)?;
    if !found.is_file() {
        return Err(CopyError::Read("is no regular file".into()));
    }
    let mut file = File::open(path).map_err(read)?.take(max.saturating_add(1));
    let mut part = Zeroizing::new(vec![0; 64 * 1024]);
    let mut bytes = 0;
    loop {
        let length = file.read(&mut part).map_err(read)?;
        if length == 0 {
            return staged.finish().map_err(CopyError::Write);
        }
        bytes += length as u64;
        if bytes > max {
            return Err(CopyError::Read(format!(
                "has more than {}: raise max_size, or check what was put there",
                ByteSize(max)
            )));
        }
        let part = part.get(..length).unwrap_or_default();
        staged.write(part).map_err(CopyError::Write)?;
    }
}
