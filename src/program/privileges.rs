//! Becoming the app's user, and finding out early what the container lacks for it.

use super::users::Identity;
use caps::{CapSet, Capability};
use nix::unistd::{Gid, Uid, getgroups, getresgid, getresuid, setgroups, setresgid, setresuid};

/// Why the app's user cannot be taken on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivilegeError {
    #[error(
        "user {user}: entry runs as user {own} and may not change that: start the container as root, or drop `user:`"
    )]
    NotRoot { user: u32, own: u32 },
    #[error(
        "the container lacks {capability}, which entry needs to {purpose}: do not drop it, or run the app as the container's own user"
    )]
    Missing {
        capability: Capability,
        purpose: &'static str,
    },
    #[error("{call} failed: {cause}")]
    Failed {
        call: &'static str,
        cause: &'static str,
    },
    #[error("the kernel kept user {uid} and group {gid} instead of the app's")]
    Kept { uid: u32, gid: u32 },
}

/// Everything that is missing to run the app as this identity, and to give it `files`.
pub fn check(identity: &Identity, files: bool) -> Vec<PrivilegeError> {
    let own = Uid::effective().as_raw();
    let other_user = own != identity.uid;
    if other_user && own != 0 && !has(Capability::CAP_SETUID) {
        return vec![PrivilegeError::NotRoot {
            user: identity.uid,
            own,
        }];
    }
    let mut needed = Vec::new();
    if other_user {
        needed.push((Capability::CAP_SETUID, "change the user"));
        needed.push((Capability::CAP_KILL, "stop the app"));
    }
    if !has_groups(identity) {
        needed.push((Capability::CAP_SETGID, "change the groups"));
    }
    if files && (other_user || Gid::effective().as_raw() != identity.gid) {
        needed.push((Capability::CAP_CHOWN, "give written files to the app"));
        needed.push((
            Capability::CAP_DAC_OVERRIDE,
            "compare the app's files with new ones",
        ));
    }
    let missing = needed
        .into_iter()
        .filter(|(capability, _)| !has(*capability));
    missing
        .map(|(capability, purpose)| PrivilegeError::Missing {
            capability,
            purpose,
        })
        .collect()
}

fn has(capability: Capability) -> bool {
    caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false)
}

/// Whether we have just these groups already.
fn has_groups(identity: &Identity) -> bool {
    let own = Gid::effective().as_raw();
    let mut groups: Vec<u32> = getgroups()
        .unwrap_or_default()
        .into_iter()
        .map(Gid::as_raw)
        .collect();
    groups.push(own);
    groups.sort_unstable();
    groups.dedup();
    own == identity.gid && groups == identity.groups
}

/// Takes on the identity, for good: groups first, for only root may change them.
pub fn become_user(identity: &Identity) -> Result<(), PrivilegeError> {
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    let failed = |call| {
        move |errno: nix::errno::Errno| PrivilegeError::Failed {
            call,
            cause: errno.desc(),
        }
    };
    if !has_groups(identity) {
        let groups: Vec<Gid> = identity.groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups).map_err(failed("setgroups"))?;
    }
    setresgid(gid, gid, gid).map_err(failed("setresgid"))?;
    setresuid(uid, uid, uid).map_err(failed("setresuid"))?;
    let (users, groups) = (
        getresuid().map_err(failed("getresuid"))?,
        getresgid().map_err(failed("getresgid"))?,
    );
    let kept = [users.real, users.effective, users.saved] != [uid; 3]
        || [groups.real, groups.effective, groups.saved] != [gid; 3];
    if kept {
        return Err(PrivilegeError::Kept {
            uid: users.effective.as_raw(),
            gid: groups.effective.as_raw(),
        });
    }
    Ok(())
}
