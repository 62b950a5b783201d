//! The name that PID 1 shows in `/proc/PID/comm`, which every process of the container may read: the stage
//! it is in.

use nix::unistd::Pid;
use std::ffi::CStr;

/// What PID 1 is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Booting,
    Running,
    Stopping,
}

/// At most 15 bytes (`PR_SET_NAME`, prctl(2)).
const NAMES: [(Stage, &CStr); 3] = [
    (Stage::Booting, c"entry:booting"),
    (Stage::Running, c"entry:running"),
    (Stage::Stopping, c"entry:stopping"),
];

/// Shows it as our own name.
pub fn show(stage: Stage) {
    if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == stage) {
        let _ = nix::sys::prctl::set_name(name);
    }
}

/// What a process shows, if it is an entry that waits for others.
pub fn shown_by(pid: Pid) -> Option<Stage> {
    let name = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    NAMES
        .iter()
        .find(|(_, known)| known.to_bytes() == name.trim_ascii_end())
        .map(|(stage, _)| *stage)
}
