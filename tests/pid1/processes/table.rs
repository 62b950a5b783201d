//! The sealed memfd: PID 1 keeps the secrets for its children, and knows none of them.

use super::WAITS;
use crate::boot::canary::memory;
use crate::boot::with_secrets;
use crate::pid1::both;
use crate::support::sealed::{CANARY, PASSPHRASE, assert_absent};
use crate::support::{Entry, Running, wait};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::PathBuf;

/// Secrets exported to two processes, one of which is started again, with a relay and a hook at the end.
fn secretive(entry: Entry) -> Entry {
    let entry = with_secrets(entry, "x", &format!("key: \"{CANARY}\"\n"));
    let yaml = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let secrets = yaml.lines().nth(1).unwrap();
    let secrets = secrets.replace("}]", ", env: {KEY: $.key}}]");
    let command = serde_json::json!(["sh", "-c", WAITS]);
    let yaml = format!(
        "{secrets}\noutput: prefixed\nprocesses:\n  a: {{command: {command}, restart: {{delay: 10ms}}}}\n  b: {{command: {command}, ready: {{file: /no/such, timeout: 59s}}}}\nafter: [{{command: [printenv, KEY]}}]\n"
    );
    entry.mode("web", &yaml)
}

fn memfds(pid: Pid) -> Vec<PathBuf> {
    // A loop's sleep may have ended meanwhile.
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd"));
    entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            std::fs::read_link(path).is_ok_and(|link| link.display().to_string().contains("memfd:"))
        })
        .collect()
}

fn environment(pid: Pid) -> std::io::Result<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ"))?;
    Ok(String::from_utf8_lossy(&environment).into_owned())
}

/// entry and its helpers, which run no other program.
fn entrys(running: &Running) -> Vec<Pid> {
    let entry = running.pid();
    let exe = |pid: Pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let mut all = vec![entry];
    all.extend(
        wait::children(entry)
            .into_iter()
            .filter(|pid| exe(*pid) == exe(entry)),
    );
    all
}

#[test]
fn pid_1_and_its_helpers_hold_no_secret() {
    for place in both() {
        let running = secretive(place()).start();
        running.stdout.wait_for("a | up");
        running.stdout.wait_for("b | up");
        let first = running.stderr.wait_for("web: a started as pid");
        let key = format!("KEY={CANARY}");
        let apps: Vec<Pid> = wait::descendants(running.pid())
            .into_iter()
            .filter(|pid| environment(*pid).is_ok_and(|all| all.contains(&key)))
            .collect();
        assert!(apps.len() >= 2, "{apps:?}");
        kill(apps[0], Signal::SIGKILL).unwrap();
        running.stderr.wait_for_nth("web: a started as pid", 2);
        running.stdout.wait_for_nth("a | up", 2);
        // A second start reads the table again.
        let entrys = entrys(&running);
        assert_eq!(
            entrys.len(),
            3,
            "PID 1, the relay and the watcher: {entrys:?}"
        );
        for pid in entrys {
            for secret in [CANARY, PASSPHRASE] {
                assert_absent(secret, environment(pid).unwrap().as_bytes(), "environ");
                assert_absent(secret, &memory(pid.as_raw()), "memory");
            }
        }
        assert!(!first.contains(CANARY));
        running.signal(Signal::SIGTERM);
        let done = running.finish();
        assert!(
            done.stdout().ends_with(&format!("{CANARY}\n")),
            "{}",
            done.stdout()
        );
        assert_absent(CANARY, &done.stderr, "standard error");
    }
}

#[test]
fn the_table_is_sealed_and_nobody_elses() {
    for place in both() {
        let running = secretive(place()).start();
        running.stdout.wait_for("a | up");
        running.stdout.wait_for("b | up");
        let pid = running.pid();
        let [table] = &memfds(pid)[..] else {
            panic!("not one table: {:?}", memfds(pid));
        };
        let file = std::fs::File::open(table).unwrap();
        let seals = SealFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GET_SEALS).unwrap());
        let all = SealFlag::F_SEAL_WRITE
            | SealFlag::F_SEAL_SHRINK
            | SealFlag::F_SEAL_GROW
            | SealFlag::F_SEAL_SEAL;
        assert_eq!(seals, all);
        let own = entrys(&running);
        let others: Vec<Pid> = wait::descendants(pid)
            .into_iter()
            .filter(|one| !own.contains(one))
            .collect();
        assert!(others.len() >= 2);
        for one in others {
            assert_eq!(memfds(one), Vec::<PathBuf>::new());
        }
        running.signal(Signal::SIGTERM);
        running.finish();
    }
}

#[test]
fn an_app_of_entrys_own_user_cannot_look_into_pid_1() {
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let look = "cat /proc/$PPID/environ /proc/$PPID/fd/* >/dev/null; ls /proc/$PPID/fd; id -u";
    let command = serde_json::json!(["sh", "-c", look]);
    let entry = Entry::wrapped(nobody);
    std::fs::set_permissions(
        entry.folder(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let yaml = format!("env: {{KEY: \"{CANARY}\"}}\nprocesses: {{a: {{command: {command}}}}}\n");
    let done = entry.mode("web", &yaml).args(["web"]).run().expect(0);
    assert_eq!(done.stdout(), "65534\n");
    assert_eq!(
        done.stderr().matches("Permission denied").count(),
        3,
        "{}",
        done.stderr()
    );
}

#[test]
fn an_app_alone_leaves_no_table() {
    for (after, tables) in [("", 0), ("after: [{command: 'true'}]\n", 1)] {
        let yaml = format!("command: [sleep, \"60\"]\n{after}");
        let running = Entry::pid1().mode("web", &yaml).args(["web"]).start();
        let app = running.app();
        let pid = running.pid();
        wait::until("the table is gone", || {
            (memfds(pid).len() == tables).then_some(())
        });
        assert_eq!(memfds(app), Vec::<PathBuf>::new());
        running.signal(Signal::SIGTERM);
        running.finish().expect(143);
    }
}
