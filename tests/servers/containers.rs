//! What only a container shows: exec sessions, missing capabilities, users, memory limits, empty roots.

use crate::support::guard::Guard;
use crate::support::lines::Lines;
use crate::support::runc::at;
use crate::support::{Entry, binary, child, repository, wait, write_program};
use nix::sys::signal::Signal;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A mode that runs a script of the shell.
fn shell(script: &str, more: &str) -> String {
    let command = serde_json::json!(["sh", "-c", script]);
    format!("command: {command}\n{more}")
}

#[test]
fn an_exec_session_hears_nothing_of_a_stop() {
    let children = repository("tests/children");
    // The shell dies of TERM; what left its group is swept, and stays until the test lets it go.
    let left = "trap 'echo swept' TERM; echo ready; until [ -e done ]; do sleep 0.05; done";
    let running = Entry::container()
        .bundle(["--ro-bind".as_ref(), children.as_os_str()])
        .env("LEFT", left)
        .oneoff(["sh", "-c", "setsid sh -c \"$LEFT\" & wait"])
        .start();
    running.stdout.wait_for("ready");
    let pids = wait::status(running.pid(), "NSpid").unwrap();
    assert!(pids.ends_with("\t1"), "{pids}");
    let words = child("catch.pl");
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
    let mut command = running.container().exec(&words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut session = Guard::spawn(&mut command);
    let said = Lines::of(session.stdout.take().unwrap());
    said.wait_for("ready");
    running.signal(Signal::SIGTERM);
    running.stdout.wait_for("swept");
    // It lives and answers; any signal would be in what it says.
    session.stdin.take().unwrap().write_all(b"exit\n").unwrap();
    assert_eq!(wait::exit(&mut session, &said).code(), Some(0));
    // runc passes on what its own runtime sends itself, Go's SIGURG (golang/go#37942).
    let heard: Vec<String> = said.so_far().lines().map(str::to_owned).collect();
    let heard: Vec<&String> = heard.iter().filter(|line| *line != "signal 23").collect();
    assert_eq!(heard, ["ready"]);
    std::fs::write(running.folder().join("done"), "").unwrap();
    running.finish().expect(143);
}

#[test]
fn without_cap_kill_another_user_is_refused_at_start() {
    let done = Entry::container()
        .bundle(["--drop", "CAP_KILL"])
        .mode("web", &shell("echo marker", "user: www-data"))
        .args(["web"])
        .run()
        .expect(125);
    assert_eq!(done.stdout(), "");
    let errors = done.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("lacks CAP_KILL"), "{errors:?}");
}

#[test]
fn the_app_is_its_user_in_every_way() {
    let script = r#"id -u; id -g; id -G; echo "$HOME $USER $LOGNAME"; grep -E 'NoNewPrivs|CapEff' /proc/self/status; umask"#;
    let mode = shell(script, "user: app\nno_new_privs: true\numask: \"0027\"");
    let entry = Entry::container()
        .mode("web", &mode)
        .file(
            "passwd",
            "root:x:0:0::/root:/bin/sh\napp:x:1234:1235::/srv/app:/bin/sh\n",
        )
        .file(
            "group",
            "root:x:0:\napp:x:1235:\none:x:1236:app\ntwo:x:1237:root,app\nnot:x:1238:root\n",
        );
    let bind = |name: &str| at(&entry.folder().join(name), &format!("/etc/{name}"));
    let options = [
        "--ro-bind".into(),
        bind("passwd"),
        "--ro-bind".into(),
        bind("group"),
        "--new-privs".into(),
    ];
    std::fs::set_permissions(
        entry.folder(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let done = entry.bundle(options).args(["web"]).run().expect(0);
    let expected = "1234\n1235\n1235 1236 1237\n/srv/app app app\n\
        CapEff:\t0000000000000000\nNoNewPrivs:\t1\n0027\n";
    let (mut found, mut wanted): (Vec<_>, Vec<_>) = (
        done.stdout().lines().map(str::to_owned).collect(),
        expected.lines().map(str::to_owned).collect(),
    );
    found[4..6].sort();
    wanted[4..6].sort();
    assert_eq!(found, wanted);
}

#[test]
fn the_stop_line_tells_of_the_kernels_oom_killer() {
    let done = Entry::container()
        .bundle(["--memory", "67108864"])
        .oneoff([
            "perl",
            "-e",
            "print qq(eating\\n); push @all, 'x' x 1_000_000 while 1",
        ])
        .run()
        .expect(137);
    let line = done.line("stop");
    assert_eq!(
        line["reason"],
        "killed by the kernel's OOM killer (SIGKILL)"
    );
    assert_eq!(line["oom_kills"], 1);
    // Nobody asked for it.
    assert!(line.get("signal").is_none(), "{line}");
}

#[test]
fn memory_limits_do_not_make_every_kill_an_oom_kill() {
    let done = Entry::container()
        .bundle(["--memory", "67108864"])
        .oneoff(["sh", "-c", "kill -KILL $$"])
        .run()
        .expect(137);
    assert_eq!(done.line("stop")["reason"], "killed by SIGKILL");
}

/// Runs entry in a root that holds nothing else.
fn alone(run: impl Fn(&Path, &[&str]) -> (Option<i32>, String)) {
    let root = tempfile::tempdir().unwrap();
    let program = std::fs::read(binary("entry")).unwrap();
    write_program(&root.path().join("entry"), program, 0o755);
    let version = format!("entry {}\n", env!("CARGO_PKG_VERSION"));
    let (code, said) = run(root.path(), &["--version"]);
    assert_eq!((code, said), (Some(0), version.clone()));
    let (code, said) = run(root.path(), &["--help"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("125  entry itself failed"), "{said}");
    let (code, said) = run(root.path(), &["--", "/entry", "--version"]);
    assert_eq!((code, said), (Some(0), version));
}

#[test]
fn it_runs_in_a_root_without_even_proc() {
    alone(|root, words| {
        let output = Command::new("chroot")
            .arg(root)
            .arg("/entry")
            .args(words)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    });
}

#[test]
fn it_runs_in_a_container_from_scratch() {
    alone(|root, words| {
        let entry = Entry::container().bundle(["--rootfs".as_ref(), root.as_os_str()]);
        let done = entry.args(words).run();
        (done.status.code(), done.stdout())
    });
}
