//! What the app gets from whoever started entry: exactly that, and nothing of entry's own.

use super::both;
use crate::support::{Entry, wait};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

/// Words and variables that a careless init would damage.
fn awkward() -> (Vec<OsString>, Vec<(OsString, OsString)>) {
    let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let words = vec![
        bytes(b""),
        bytes(b"a b"),
        bytes(b"--"),
        bytes(b"\xff\xfe\n"),
        bytes(b"$HOME ${X}"),
        "x".repeat(120_000).into(),
    ];
    let mut variables: Vec<(OsString, OsString)> = vec![
        ("EMPTY".into(), "".into()),
        ("BYTES".into(), bytes(b"\xff=\n\x01")),
        ("lower case".into(), "1".into()),
    ];
    variables.extend((0..8).map(|n| (format!("BIG{n}").into(), "y".repeat(120_000).into())));
    (words, variables)
}

#[test]
fn arguments_and_environment_arrive_byte_for_byte() {
    let (words, variables) = awkward();
    let show = "cat /proc/$$/cmdline /proc/$$/environ";
    let run = |command: &mut Command| {
        let command = command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("ENTRY_LOG", "json");
        command
            .envs(variables.iter().cloned())
            .args(["sh", "-c", show, "sh"])
            .args(&words);
        command.output().unwrap().stdout
    };
    let direct = run(&mut Command::new("/usr/bin/env"));
    assert!(direct.len() > 1_000_000);
    let mut entry = Entry::new();
    assert!(
        run(entry.command.arg("--")) == direct,
        "the app's words or variables differ"
    );
    let mut entry = Entry::pid1();
    assert!(
        run(entry.command.arg("--")) == direct,
        "the app's words or variables differ under PID 1"
    );
}

#[test]
fn standard_input_arrives() {
    for entry in both() {
        let mut running = entry().oneoff(["cat"]).start();
        let mut input = running.process.stdin.take().unwrap();
        let text = vec![b'z'; 300_000];
        std::thread::spawn(move || input.write_all(&text).unwrap());
        assert_eq!(running.finish().expect(0).stdout.len(), 300_000);
    }
}

#[test]
fn no_descriptor_of_entry_reaches_the_app() {
    // What the harness itself leaves open shows up without entry, too.
    let script = "opendir my $d, '/proc/self/fd'; print join ' ', sort grep { !/^\\./ && readlink(\"/proc/self/fd/$_\") !~ m{/fd$} } readdir $d";
    let direct = Command::new("perl").args(["-e", script]).output().unwrap();
    let direct = String::from_utf8_lossy(&direct.stdout).into_owned();
    assert!(direct.starts_with("0 1"), "{direct}");
    for entry in both() {
        let done = entry().oneoff(["perl", "-e", script]).run().expect(0);
        assert_eq!(done.stdout(), direct);
    }
}

#[test]
fn the_signal_mask_and_ignored_signals_are_the_callers() {
    let script = "use POSIX; $SIG{HUP} = 'IGNORE'; \
        sigprocmask(SIG_SETMASK, POSIX::SigSet->new(SIGUSR2)); exec @ARGV";
    let through = |front: &[OsString]| {
        let mut command = Command::new("perl");
        command.args(["-e", script]).args(front).args([
            "grep",
            "-E",
            "Sig(Blk|Ign)",
            "/proc/self/status",
        ]);
        command.current_dir("/");
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    let direct = through(&[]);
    assert!(direct.contains("SigBlk:\t0000000000000800\n"), "{direct}");
    let entry = crate::support::binary("entry").into_os_string();
    assert_eq!(through(&[entry.clone(), "--".into()]), direct);
    let unshare = ["unshare", "--pid", "--fork", "--mount-proc"].map(OsString::from);
    assert_eq!(
        through(&[&unshare[..], &[entry, "--".into()]].concat()),
        direct
    );
}

#[test]
fn an_ignored_child_signal_is_put_right() {
    // With SIGCHLD ignored the kernel would throw the app's status away.
    let script = "$SIG{CHLD} = 'IGNORE'; exec @ARGV";
    let entry = crate::support::binary("entry");
    let status = Command::new("perl")
        .args(["-e", script])
        .arg(entry)
        .args(["--", "sh", "-c", "exit 9"])
        .current_dir("/")
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(9));
}

#[test]
fn entry_dumps_no_core_and_the_app_keeps_its_limit() {
    let script = "ulimit -S -c 4096; exec \"$0\" -- sh -c 'ulimit -S -c; cat >/dev/null'";
    let running = Entry::wrapped(["sh", "-c", script]).start();
    running.stdout.wait_for("4096");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    running.finish().expect(0);
}

#[test]
fn orphans_are_reaped() {
    for entry in both() {
        // Each grandchild outlives its parent for a moment, and is nobody's then but entry's.
        let script = "$| = 1; for (1 .. 200) { my $pid = fork; next if $pid; if (!fork) { select undef, undef, undef, 0.02 } exit } \
            1 until wait == -1; print qq(ready\\n); <STDIN>";
        let running = entry().oneoff(["perl", "-e", script]).start();
        running.stdout.wait_for("ready");
        let pid = running.pid();
        wait::until("only the app is left", || {
            (wait::children(pid).len() == 1).then_some(())
        });
        running.finish().expect(0);
    }
}

#[test]
fn the_boots_own_streams_are_filled_when_closed() {
    let entry = crate::support::binary("entry");
    let output = Command::new("sh")
        .args([
            "-c",
            "exec \"$0\" -- sh -c 'readlink /proc/self/fd/0 /proc/self/fd/2' <&- 2>&-",
        ])
        .arg(entry)
        .current_dir("/")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "/dev/null\n/dev/null\n"
    );
}
