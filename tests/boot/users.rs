//! The app's user, groups, limits and privileges.

use crate::support::Entry;
use std::os::unix::fs::PermissionsExt;

fn as_mode(yaml: &str) -> Entry {
    let entry = Entry::new().mode("web", yaml).args(["web"]);
    std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    entry
}

#[test]
fn a_user_brings_groups_home_and_name() {
    let show = "id -u; id -g; id -G; echo $HOME $USER $LOGNAME; cd ~ 2>/dev/null; grep -E 'CapEff|NoNewPrivs' /proc/self/status";
    let done = as_mode(&format!(
        "command: [sh, -c, {}]\nuser: nobody\n",
        serde_json::Value::from(show)
    ))
    .run()
    .expect(0);
    let expected = "65534\n65534\n65534\n/nonexistent nobody nobody\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\n";
    assert_eq!(done.stdout(), expected);
}

#[test]
fn every_group_of_the_user_counts() {
    // Its own /etc/group, which entry reads and glibc has no part in.
    let script = "mount --bind group /etc/group && exec \"$0\" web";
    let entry = Entry::wrapped(["unshare", "--mount", "sh", "-c", script])
        .mode(
            "web",
            "command: [sh, -c, \"grep Groups /proc/self/status\"]\nuser: nobody\ngroup: one\n",
        )
        .file(
            "group",
            "nogroup:x:65534:\none:x:7001:\ntwo:x:7002:other,nobody\nthree:x:7003:other\n",
        );
    std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(
        entry.run().expect(0).stdout().trim_end(),
        "Groups:\t7001 7002"
    );
}

#[test]
fn no_new_privileges_umask_and_working_directory() {
    let show = "grep NoNewPrivs /proc/self/status; umask; pwd";
    let yaml = format!(
        "command: [sh, -c, {}]\nno_new_privs: true\numask: \"0027\"\nworkdir: /usr\n",
        serde_json::Value::from(show)
    );
    assert_eq!(
        as_mode(&yaml).run().expect(0).stdout(),
        "NoNewPrivs:\t1\n0027\n/usr\n"
    );
    let done = Entry::new().oneoff(["sh", "-c", "umask"]).run().expect(0);
    assert_eq!(done.stdout(), "0022\n");
}

#[test]
fn what_is_missing_is_said_before_anything_starts() {
    let done = as_mode("command: [touch, started]\nuser: no-such-user\n")
        .run()
        .expect(125);
    assert_eq!(
        done.errors(),
        ["user \"no-such-user\" is not in /etc/passwd: add it to the image or give its number"]
    );
    let done = as_mode("command: [touch, started]\nworkdir: /no/such\n")
        .run()
        .expect(125);
    assert_eq!(
        done.errors(),
        ["workdir /no/such: No such file or directory: make it in the image"]
    );
    for (capability, purpose) in [
        ("setuid", "change the user"),
        ("setgid", "change the groups"),
        ("kill", "stop the app"),
    ] {
        let drop = format!("--bounding-set=-{capability}");
        let entry = Entry::wrapped(["setpriv", &drop])
            .mode("web", "command: [touch, started]\nuser: nobody\n")
            .args(["web"]);
        let done = entry.run().expect(125);
        let name = capability.to_uppercase();
        let message = format!(
            "the container lacks CAP_{name}, which entry needs to {purpose}: do not drop it, or run the app as the container's own user"
        );
        assert_eq!(done.errors(), [message]);
    }
}

#[test]
fn files_for_another_user_need_a_capability() {
    for keys in [
        "render: [{from: t.tmpl, to: /tmp/no-such-target}]",
        "files: [{from: file:///x, to: /tmp/no-such-target}]",
        "",
    ] {
        let mode = format!("command: [\"true\"]\nuser: nobody\n{keys}\n");
        let entry = Entry::wrapped(["setpriv", "--bounding-set=-chown"]);
        std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
        let done = entry.mode("web", &mode).args(["web"]).run();
        let message = "the container lacks CAP_CHOWN, which entry needs to give written files to the app: do not drop it, or run the app as the container's own user";
        if keys.is_empty() {
            done.expect(0);
        } else {
            assert_eq!(done.expect(125).errors(), [message], "{keys}");
        }
    }
}

#[test]
fn entry_that_is_not_root_runs_as_itself_only() {
    let show = "[sh, -c, \"id -u\"]";
    let run = |user: &str| {
        let entry = Entry::wrapped([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]);
        std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
        entry
            .mode("web", &format!("command: {show}\nuser: {user}\n"))
            .args(["web"])
            .run()
    };
    assert_eq!(run("nobody").expect(0).stdout(), "65534\n");
    let message = "user 1: entry runs as user 65534 and may not change that: start the container as root, or drop `user:`";
    assert_eq!(run("daemon").expect(125).errors(), [message]);
}

#[test]
fn no_number_leaves_root_in_place() {
    for user in ["\"4294967295\"", "\"+4294967295\""] {
        let done = as_mode(&format!("command: [touch, started]\nuser: {user}\n"))
            .run()
            .expect(125);
        assert!(!done.folder().join("started").exists(), "{user}");
    }
}

#[test]
fn a_relative_workdir_and_a_user_go_together() {
    let entry = as_mode("command: [pwd]\nworkdir: sub\nuser: nobody\n");
    std::fs::create_dir(entry.folder().join("sub")).unwrap();
    let done = entry.run().expect(0);
    assert_eq!(
        done.stdout().trim_end(),
        done.folder().join("sub").display().to_string()
    );
    let entry = as_mode("command: [pwd]\nworkdir: sub\nuser: nobody\n");
    std::fs::create_dir(entry.folder().join("sub")).unwrap();
    std::fs::set_permissions(entry.folder().join("sub"), PermissionsExt::from_mode(0o700)).unwrap();
    let done = entry.run().expect(125);
    assert_eq!(
        done.errors(),
        ["workdir sub, as the app's user: Permission denied: let the user in"]
    );
}

#[test]
fn a_group_alone_is_taken_on() {
    let done = as_mode("command: [id, -g]\ngroup: daemon\n")
        .run()
        .expect(0);
    assert_eq!(done.stdout(), "1\n");
}
