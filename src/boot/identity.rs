//! Whom a program runs as, and the variables that say so.

use super::Failure;
use super::environment::Environment;
use crate::config::Mode;
use crate::program::privileges;
use crate::program::users::{self, Identity};
use nix::unistd::{Gid, Uid, getgroups};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Whom the app runs as, and what is missing for that.
pub fn of_mode(mode: &Mode) -> Result<Option<Identity>, Failure> {
    of(mode.user.as_ref(), mode.group.as_ref(), writes(mode))
}

/// Whom a program with this user and group runs as; `writes`: files are given to it.
pub fn of(
    user: Option<&String>,
    group: Option<&String>,
    writes: bool,
) -> Result<Option<Identity>, Failure> {
    let own = Uid::effective().to_string();
    if user.is_none() && group.is_none() {
        return Ok(None);
    }
    let (user, group) = (user.unwrap_or(&own), group.map(String::as_str));
    let identity = users::of_image(user, group).map_err(Failure::one)?;
    Failure::all(
        privileges::check(&identity, writes)
            .iter()
            .map(ToString::to_string)
            .collect(),
    )?;
    Ok(Some(identity))
}

/// The variables that say who one is, as login(1) sets them.
pub fn set_user(environment: &mut Environment, identity: &Identity) -> Result<(), Failure> {
    let name = identity
        .name
        .clone()
        .unwrap_or_else(|| identity.uid.to_string());
    let home = identity.home.as_os_str().as_bytes();
    for (variable, value) in [
        ("HOME", home),
        ("USER", name.as_bytes()),
        ("LOGNAME", name.as_bytes()),
    ] {
        environment.set(variable, value).map_err(Failure::one)?;
    }
    Ok(())
}

/// Whether the mode has files written.
fn writes(mode: &Mode) -> bool {
    !mode.files.is_empty()
        || !mode.render.is_empty()
        || mode.secrets.iter().any(|secret| secret.write.is_some())
}

/// Whom entry itself runs as.
pub fn own() -> Identity {
    let groups = getgroups()
        .unwrap_or_default()
        .into_iter()
        .map(Gid::as_raw)
        .collect();
    let (uid, gid) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    Identity {
        uid,
        gid,
        groups,
        name: None,
        home: PathBuf::from("/"),
    }
}
