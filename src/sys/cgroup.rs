//! What our control group tells of memory.

use std::fs::read_to_string;

/// How many processes of our cgroup the kernel's OOM killer has killed so far.
///
/// `memory.events` of cgroup v2 and `memory.oom_control` of v1 both have a line `oom_kill N`
/// (Documentation/admin-guide/cgroup-v2.rst).
pub fn oom_kills() -> Option<u64> {
    let own = read_to_string("/proc/self/cgroup").unwrap_or_default();
    candidates(&own)
        .iter()
        .find_map(|path| counter(&read_to_string(path).ok()?))
}

/// Where the counter may be: with a cgroup namespace at the root, without one at our own path.
fn candidates(own: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for line in own.lines() {
        let mut fields = line.splitn(3, ':');
        match (fields.next(), fields.next(), fields.next()) {
            (Some("0"), Some(""), Some(path)) => {
                paths.push(format!(
                    "/sys/fs/cgroup{}/memory.events",
                    path.trim_end_matches('/')
                ));
            }
            (_, Some("memory"), Some(path)) => {
                let path = path.trim_end_matches('/');
                paths.push(format!("/sys/fs/cgroup/memory{path}/memory.oom_control"));
            }
            _ => {}
        }
    }
    paths.push("/sys/fs/cgroup/memory.events".to_owned());
    paths.push("/sys/fs/cgroup/memory/memory.oom_control".to_owned());
    paths
}

fn counter(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found() {
        assert_eq!(
            candidates("0::/a/b\n")[0],
            "/sys/fs/cgroup/a/b/memory.events"
        );
        assert_eq!(candidates("0::/\n")[0], "/sys/fs/cgroup/memory.events");
        assert_eq!(
            candidates("9:memory:/x\n")[0],
            "/sys/fs/cgroup/memory/x/memory.oom_control"
        );
        assert_eq!(
            counter("low 0\noom 2\noom_kill 3\noom_group_kill 1\n"),
            Some(3)
        );
        assert_eq!(counter("low 0\n"), None);
    }
}
