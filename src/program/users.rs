//! Users and groups of the image, from its own `/etc/passwd` and `/etc/group`.
//!
//! glibc's lookups would load shared libraries at run time, which a static binary in `scratch` cannot.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Whom the app runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    /// Every group the user is in, `gid` included.
    pub groups: Vec<u32>,
    /// `None` for a number that `/etc/passwd` does not name.
    pub name: Option<String>,
    pub home: PathBuf,
}

/// Whom a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

impl Identity {
    pub fn owner(&self) -> Owner {
        Owner {
            uid: self.uid,
            gid: self.gid,
        }
    }
}

/// Why there is no such identity.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    #[error("user {0:?} is not in /etc/passwd: add it to the image or give its number")]
    User(String),
    #[error("group {0:?} is not in /etc/group: add it to the image or give its number")]
    Group(String),
    /// The system calls take this number as "leave it as it is": root would stay root.
    #[error("user {0:?}: 4294967295 is no user or group: give another number")]
    Number(String),
}

/// Finds the user and the group in this image's own files.
pub fn of_image(user: &str, group: Option<&str>) -> Result<Identity, UserError> {
    let read = |path| std::fs::read(path).unwrap_or_default();
    identity(user, group, &read("/etc/passwd"), &read("/etc/group"))
}

/// Finds the user (by name or number) and the group, if one is given; else the user's own.
pub fn identity(
    user: &str,
    group: Option<&str>,
    passwd: &[u8],
    groups: &[u8],
) -> Result<Identity, UserError> {
    let entry = find_user(user, passwd);
    let uid = entry
        .as_ref()
        .map(|entry| entry.uid)
        .or_else(|| number(user));
    let uid = uid.ok_or_else(|| UserError::User(user.to_owned()))?;
    let gid = match group {
        Some(group) => {
            find_group(group, groups).ok_or_else(|| UserError::Group(group.to_owned()))?
        }
        // A bare number without an entry has no group of its own; its own number would be a guess.
        None => entry.as_ref().map_or(0, |entry| entry.gid),
    };
    let name = entry.as_ref().map(|entry| entry.name.clone());
    let mut all = vec![gid];
    all.extend(name.iter().flat_map(|name| memberships(name, groups)));
    all.sort_unstable();
    all.dedup();
    if uid == u32::MAX || all.contains(&u32::MAX) {
        return Err(UserError::Number(user.to_owned()));
    }
    let home = entry.map_or_else(|| PathBuf::from("/"), |entry| entry.home);
    Ok(Identity {
        uid,
        gid,
        groups: all,
        name,
        home,
    })
}

/// Digits alone: Rust's own parser would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

struct Entry {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
}

fn find_user(wanted: &str, passwd: &[u8]) -> Option<Entry> {
    let entries = || lines(passwd).filter_map(user_entry);
    let number = number(wanted);
    entries()
        .find(|entry| entry.name == wanted)
        .or_else(|| entries().find(|entry| Some(entry.uid) == number))
}

fn user_entry(line: &[u8]) -> Option<Entry> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = text(fields.next()?)?.to_owned();
    let (uid, gid) = (
        number(text(fields.nth(1)?)?)?,
        text(fields.next()?)?.parse().ok()?,
    );
    let home = PathBuf::from(OsStr::from_bytes(fields.nth(1)?));
    Some(Entry {
        name,
        uid,
        gid,
        home,
    })
}

fn find_group(wanted: &str, groups: &[u8]) -> Option<u32> {
    lines(groups)
        .filter_map(group_entry)
        .find(|(name, _, _)| *name == wanted)
        .map(|(_, gid, _)| gid)
        .or_else(|| number(wanted))
}

fn memberships(user: &str, groups: &[u8]) -> Vec<u32> {
    lines(groups)
        .filter_map(group_entry)
        .filter(|(_, _, members)| members.split(',').any(|member| member == user))
        .map(|(_, gid, _)| gid)
        .collect()
}

fn group_entry(line: &[u8]) -> Option<(&str, u32, &str)> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = text(fields.next()?)?;
    let gid = number(text(fields.nth(1)?)?)?;
    Some((name, gid, text(fields.next().unwrap_or_default())?))
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|byte| *byte == b'\n')
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1001:App,,,:/home/app:/bin/sh\n123:x:7:8::/h:\n";
    const GROUPS: &[u8] =
        b"root:x:0:\napp:x:1001:\nssl:x:105:app,other\ntmp:x:106:other\ncache:x:90:app";

    #[test]
    fn a_name_brings_all_its_groups() {
        let identity = identity("app", None, PASSWD, GROUPS).unwrap();
        assert_eq!((identity.uid, identity.gid), (1000, 1001));
        assert_eq!(identity.groups, [90, 105, 1001]);
        assert_eq!(identity.home, PathBuf::from("/home/app"));
    }

    #[test]
    fn a_number_is_looked_up_too() {
        assert_eq!(
            identity("1000", None, PASSWD, GROUPS)
                .unwrap()
                .name
                .as_deref(),
            Some("app")
        );
        let unknown = identity("4711", None, PASSWD, GROUPS).unwrap();
        assert_eq!((unknown.uid, unknown.gid, unknown.name), (4711, 0, None));
        assert_eq!(unknown.home, PathBuf::from("/"));
    }

    #[test]
    fn a_name_of_digits_wins_over_the_number() {
        assert_eq!(identity("123", None, PASSWD, GROUPS).unwrap().uid, 7);
    }

    #[test]
    fn a_group_replaces_the_users_own() {
        let identity = identity("app", Some("ssl"), PASSWD, GROUPS).unwrap();
        assert_eq!((identity.gid, identity.groups), (105, vec![90, 105]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |user, group| identity(user, group, PASSWD, GROUPS).unwrap_err();
        assert_eq!(missing("nobody", None), UserError::User("nobody".into()));
        assert_eq!(
            missing("app", Some("wheel")),
            UserError::Group("wheel".into())
        );
    }
}
