//! Becoming the app's user, and finding out early what the container lacks for it.

use super::users::Identity;
use caps::{CapSet, Capability};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

/// Why the app's user cannot be taken on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivilegeError {
    #[error(
        "user {user}: entry runs as user {own} and may not change that: start the container as root, or drop `user:`"
    )]
    NotRoot { user: u32, own: u32 },
    #[error(
        "the container lacks {capability}, which `user:` needs to {purpose}: add it under linuxParameters.capabilities (ECS) or --cap-add"
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
}

/// What running as another user takes, and for what.
const NEEDED: [(Capability, &str); 4] = [
    (Capability::CAP_SETUID, "change the user"),
    (Capability::CAP_SETGID, "change the groups"),
    (Capability::CAP_CHOWN, "give written files to the app"),
    (Capability::CAP_KILL, "stop the app"),
];

/// Everything that is missing to run the app as this identity.
pub fn check(identity: &Identity) -> Vec<PrivilegeError> {
    let own = Uid::effective().as_raw();
    if own == identity.uid {
        return Vec::new();
    }
    if own != 0 && !has(Capability::CAP_SETUID) {
        return vec![PrivilegeError::NotRoot {
            user: identity.uid,
            own,
        }];
    }
    NEEDED
        .into_iter()
        .filter(|(capability, _)| !has(*capability))
        .map(|(capability, purpose)| PrivilegeError::Missing {
            capability,
            purpose,
        })
        .collect()
}

fn has(capability: Capability) -> bool {
    caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false)
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
    if Uid::effective() == uid && Gid::effective() == gid && !uid.is_root() {
        return Ok(());
    }
    let groups: Vec<Gid> = identity.groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups).map_err(failed("setgroups"))?;
    setresgid(gid, gid, gid).map_err(failed("setresgid"))?;
    setresuid(uid, uid, uid).map_err(failed("setresuid"))?;
    Ok(())
}
