//! `before` and `after`: who runs them, in what order, with what, and what a failure, a stop or a hook that
//! hangs brings about.

use super::with_secrets;
use crate::pid1::both;
use crate::support::sealed::{CANARY, PASSPHRASE, assert_absent};
use crate::support::{Entry, Finished, Running, wait};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::os::unix::fs::PermissionsExt;

/// A shell's script as a mode's command.
fn sh(script: &str) -> String {
    serde_json::json!(["sh", "-c", script]).to_string()
}

fn mode(entry: Entry, yaml: &str) -> Entry {
    let entry = entry.mode("web", yaml).args(["web"]);
    // The app's user may enter.
    std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    entry
}

/// A mode with one hook before an app that would leave a marker.
fn before(entry: Entry, script: &str, more: &str) -> Entry {
    let yaml = format!(
        "command: [touch, started]\nbefore: [{{command: {}{more}}}]\n",
        sh(script)
    );
    mode(entry, &yaml)
}

fn refused(done: Finished, errors: &[&str]) {
    let done = done.expect(125);
    assert_eq!(done.errors(), errors);
    assert!(!done.folder().join("started").exists(), "the app ran");
}

fn warnings(done: &Finished) -> Vec<String> {
    let lines = done.lines();
    let warnings = lines.iter().filter(|line| line["level"] == "warning");
    warnings
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The process that wrote its number to standard output, and that lives.
fn told_pid(running: &Running) -> Pid {
    let line = wait::until("its pid", || {
        let said = running.stdout.so_far();
        said.ends_with('\n')
            .then(|| said.lines().next().unwrap().to_owned())
    });
    // As PID 1's, the number is another from here.
    wait::until("it is seen from here", || {
        let all = wait::descendants(running.process.pid());
        all.into_iter().find(|one| {
            let ids = wait::status(*one, "NSpid").unwrap_or_default();
            ids.split_whitespace().last() == Some(&*line)
        })
    })
}

#[test]
fn hooks_run_in_order_and_the_app_comes_last() {
    for place in both() {
        let yaml = format!(
            "command: {}\nbefore:\n- {{command: {}}}\n- {{command: [echo, two]}}\nafter:\n- {{command: [echo, three]}}\n- {{command: [echo, four]}}\n",
            sh("echo app; exit 3"),
            sh("sleep 0.1; echo one")
        );
        let done = mode(place(), &yaml).run().expect(3);
        assert_eq!(done.stdout(), "one\ntwo\napp\nthree\nfour\n");
        let start = done.line("start");
        assert!(start["before_ms"].as_u64().unwrap() >= 100, "{start}");
        let told: Vec<_> = done
            .lines()
            .iter()
            .map(|line| line["event"].as_str().unwrap().to_owned())
            .collect();
        let expected = ["before", "before", "start", "stop", "after", "after"];
        assert_eq!(told, expected);
    }
}

#[test]
fn a_hook_is_as_the_app_is() {
    let show = "id -u; echo $HOME $A; umask; pwd; wc -c; cat /proc/self/status | grep -E 'SigBlk|NoNewPrivs'";
    let yaml = format!(
        "command: {}\nenv: {{A: a}}\nuser: nobody\numask: \"0027\"\nworkdir: /usr\nno_new_privs: true\nbefore: [{{command: {}}}]\nafter: [{{command: {}}}]\n",
        sh(show),
        sh(show),
        sh(show)
    );
    for place in both() {
        let done = mode(place(), &yaml).run().expect(0);
        let one =
            "65534\n/nonexistent a\n0027\n/usr\n0\nSigBlk:\t0000000000000000\nNoNewPrivs:\t1\n";
        assert_eq!(done.stdout(), one.repeat(3), "{}", done.stderr());
    }
}

#[test]
fn a_hook_may_have_a_user_of_its_own() {
    let show = "echo $(id -u) $(id -g) $HOME $USER";
    let yaml = format!(
        "command: {0}\nuser: nobody\nbefore:\n- {{command: {0}, user: root}}\n- {{command: {0}, user: daemon}}\n- {{command: {0}, group: daemon}}\n- {{command: {0}}}\n",
        sh(show)
    );
    for place in both() {
        let done = mode(place(), &yaml).run().expect(0);
        let expected = "0 0 /root root\n1 1 /usr/sbin daemon\n65534 1 /nonexistent nobody\n65534 65534 /nonexistent nobody\n65534 65534 /nonexistent nobody\n";
        assert_eq!(done.stdout(), expected, "{}", done.stderr());
    }
}

#[test]
fn nobody_types_to_a_hook() {
    let mut running = mode(
        Entry::new(),
        "command: [cat]\nbefore: [{command: [sh, -c, 'cat >/dev/null']}]\nafter: [{command: [cat]}]\n",
    )
    .start();
    let mut input = running.process.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"for the app\n").unwrap();
    drop(input);
    assert_eq!(running.finish().expect(0).stdout(), "for the app\n");
}

#[test]
fn a_hook_that_fails_ends_the_boot() {
    let at = "modes/web.yml:2: before: `sh -c";
    for place in both() {
        let done = before(place(), "exit 7", "").run();
        let error = format!("{at} 'exit 7'` ended with code 7: the app is not started");
        refused(done, &[&error]);
        let done = before(place(), "kill -9 $$", "").run();
        let error = format!("{at} 'kill -9 $$'` was killed by SIGKILL: the app is not started");
        refused(done, &[&error]);
    }
}

#[test]
fn the_first_that_fails_is_the_last_that_runs() {
    let yaml = "command: [touch, started]\nbefore: [{command: [echo, one]}, {command: 'false'}, {command: [echo, three]}]\nafter: [{command: [echo, after]}]\n";
    let done = mode(Entry::new(), yaml).run().expect(125);
    assert_eq!(done.stdout(), "one\n");
    assert!(!done.folder().join("started").exists());
}

#[test]
fn nothing_runs_if_one_program_is_missing() {
    let yaml = "command: nope-app\nbefore: [{command: touch started}, {command: nope-before}, {command: touch x, user: nope-user}]\nafter: [{command: nope-after}]\n";
    let done = mode(Entry::new().env("PATH", "/usr/bin:/bin"), yaml)
        .run()
        .expect(127);
    let missing = "not found in PATH (/usr/bin:/bin): is it in the image?";
    let expected = [
        format!("nope-app: {missing}"),
        format!("modes/web.yml:3: after: nope-after: {missing}"),
        format!("modes/web.yml:2: before: nope-before: {missing}"),
        "modes/web.yml:2: before: user \"nope-user\" is not in /etc/passwd: add it to the image or give its number".to_owned(),
    ];
    assert_eq!(done.errors(), expected);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn check_names_what_a_hook_or_a_process_lacks() {
    let entry = Entry::new()
        .mode("web", "command: 'true'\nbefore: [{command: nope-before}, {command: 'true', group: nope-group}]\nafter: [{command: [nope-after, x]}]\n")
        .mode("all", "processes: {web: {command: 'true'}, worker: {command: nope-worker -t 5}}\n")
        .env("PATH", "/usr/bin:/bin")
        .args(["--check"]);
    let done = entry.run().expect(125);
    let missing = "not found in PATH (/usr/bin:/bin): is it in the image?";
    let expected = [
        format!("mode all: modes/all.yml:1: worker: nope-worker: {missing}"),
        "mode web: modes/web.yml:2: before: group \"nope-group\" is not in /etc/group: add it to the image or give its number".to_owned(),
        format!("mode web: modes/web.yml:2: before: nope-before: {missing}"),
        format!("mode web: modes/web.yml:3: after: nope-after: {missing}"),
    ];
    assert_eq!(done.errors(), expected);
}

#[test]
fn a_hook_that_fails_is_tried_again() {
    let script = "echo try; test $(ls tries | wc -l) = 2 && exit 0; mktemp tries/XXXXXX; exit 4";
    for place in both() {
        let entry = before(place(), script, ", retry: 5, wait: 50ms");
        std::fs::create_dir(entry.folder().join("tries")).unwrap();
        let done = entry.run().expect(0);
        assert_eq!(done.stdout().matches("try\n").count(), 3);
        assert!(done.folder().join("started").exists());
        let warnings = warnings(&done);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        let end = "ended with code 4, attempt 2 of 6; the next in 50ms";
        assert!(warnings[1].ends_with(end), "{warnings:?}");
    }
    let done = before(Entry::new(), "exit 4", ", retry: 2, wait: 0s").run();
    let error = "modes/web.yml:2: before: `sh -c 'exit 4'` ended with code 4, the last of 3 attempts: the app is not started";
    refused(done, &[error]);
}

#[test]
fn a_hook_that_takes_too_long_gets_term_then_kill() {
    // A shell has set its trap after two seconds.
    let polite = |place: fn() -> Entry| {
        let script = "trap 'echo told; exit 0' TERM; while :; do sleep 0.05; done";
        let done = before(place(), script, ", timeout: 2s").run();
        assert_eq!(done.stdout(), "told\n");
        let error = format!(
            "modes/web.yml:2: before: `{}` did not end within 2s: the app is not started",
            shell_words::join(["sh", "-c", script])
        );
        refused(done, &[&error]);
    };
    let deaf = |place: fn() -> Entry| {
        let script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
        let more = ", timeout: 2s, grace: 100ms, retry: 1, wait: 0s";
        let done = before(place(), script, more).run().expect(125);
        // Each attempt had its own time and its own KILL.
        assert_eq!(done.stdout().lines().count(), 2);
        assert_eq!(warnings(&done).len(), 1);
    };
    std::thread::scope(|scope| {
        for place in both() {
            scope.spawn(move || polite(place));
            scope.spawn(move || deaf(place));
        }
    });
}

#[test]
fn a_failed_boot_takes_its_files_back() {
    let entry = with_secrets(Entry::new(), "[touch, started]", "key: value\n");
    let yaml = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let hook = sh("ls out; exit 1");
    let done = entry
        .mode("web", &format!("{yaml}before: [{{command: {hook}}}]\n"))
        .run()
        .expect(125);
    // The hook saw it.
    assert_eq!(done.stdout(), "s.yml\n");
    assert!(!done.folder().join("out").exists(), "something was left");
    assert!(!done.folder().join("started").exists());
}

#[test]
fn a_stop_during_a_hook_ends_the_hook_first() {
    // The shell waits for its child, which is in its group and gets the signal, too.
    let script = "trap 'echo shell told; wait; exit 1' TERM; (trap 'echo child told; exit 1' TERM; echo ready; while :; do sleep 0.05; done) & wait; sleep 60";
    for place in both() {
        let running = before(place(), script, ", grace: 50s").start();
        running.stdout.wait_for("ready");
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(143);
        for line in ["shell told\n", "child told\n"] {
            assert!(done.stdout().contains(line), "{line} in {}", done.stdout());
        }
        assert_eq!(done.line("boot_stopped")["signal"], "SIGTERM");
        assert!(done.errors().is_empty(), "{:?}", done.errors());
        assert!(!done.folder().join("started").exists());
    }
}

#[test]
fn a_stop_between_two_attempts_ends_the_boot() {
    let running = before(Entry::new(), "exit 1", ", retry: 9, wait: 50s").start();
    running.stderr.wait_for("the next in 50s");
    running.signal(Signal::SIGTERM);
    running.finish().expect(143);
}

#[test]
fn a_hook_that_is_deaf_to_a_stop_is_killed_within_the_cap() {
    for place in both() {
        let script = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
        let entry = before(place(), script, ", grace: 1h").env("ENTRY_STOP_TIMEOUT", "1");
        let running = entry.start();
        let hook = told_pid(&running);
        running.signal(Signal::SIGTERM);
        running.finish().expect(143);
        wait::until("it is gone", || wait::gone(hook).then_some(()));
    }
}

#[test]
fn what_a_hook_leaves_behind_lives_as_long_as_the_app() {
    let daemon = "setsid sh -c 'trap \"echo daemon ends; exit\" TERM; touch up; while :; do sleep 0.05; done' & until [ -e up ]; do sleep 0.01; done";
    for place in both() {
        let yaml = format!(
            "command: {}\nbefore: [{{command: {}}}]\n",
            sh("trap 'exit 5' TERM; echo app; while :; do sleep 0.02; done"),
            sh(daemon)
        );
        let running = mode(place(), &yaml).start();
        running.stdout.wait_for("app");
        assert!(!running.stdout.so_far().contains("daemon"));
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(5);
        assert_eq!(done.stdout(), "app\ndaemon ends\n");
    }
}

#[test]
fn what_a_failed_hook_leaves_behind_is_gone() {
    for place in both() {
        let script = "setsid sh -c 'echo $$; touch up; exec sleep 300 >/dev/null 2>&1' & until [ -e up ]; do sleep 0.01; done; until [ -e go ]; do sleep 0.02; done; exit 1";
        let running = before(place(), script, "").start();
        let left = told_pid(&running);
        std::fs::write(running.folder().join("go"), "").unwrap();
        running.finish().expect(125);
        wait::until("it is gone", || wait::gone(left).then_some(()));
    }
}

#[test]
fn no_line_of_entry_shows_a_secret_of_a_hook() {
    let yaml = format!("key: \"{CANARY}\"\n");
    let entry = with_secrets(Entry::new(), "[\"true\"]", &yaml);
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let mode = mode.replace("}]", ", env: {KEY: $.key}}]");
    let script = "test -n \"$KEY\" && exit 3";
    let more = format!(
        "before: [{{command: [sh, -c, '{script}', \"${{OUTER}}\"], retry: 1, wait: 0s}}]\n"
    );
    let entry = entry.mode("web", &(mode + &more)).env("OUTER", CANARY);
    let done = entry.run().expect(125);
    // It had the secret, and failed for that.
    assert!(
        done.errors()[0].contains("ended with code 3"),
        "{}",
        done.stderr()
    );
    for secret in [CANARY, PASSPHRASE] {
        assert_absent(secret, &done.stderr, "standard error");
    }
}

#[test]
fn after_hooks_find_the_exit_code_and_change_nothing_about_it() {
    let show = sh("echo code $ENTRY_EXIT_CODE; exit 9");
    for place in both() {
        let yaml = format!(
            "command: {}\nexit: {{5: 6}}\nafter: [{{command: {show}}}]\n",
            sh("exit 5")
        );
        let done = mode(place(), &yaml).run().expect(6);
        assert_eq!(done.stdout(), "code 6\n");
        let error = "web: after: `sh -c 'echo code $ENTRY_EXIT_CODE; exit 9'` exited 9";
        assert_eq!(done.errors(), [error]);
        let yaml = format!(
            "command: {}\nafter: [{{command: {show}}}]\n",
            sh("echo ready; exec sleep 60")
        );
        let running = mode(place(), &yaml).start();
        running.stdout.wait_for("ready");
        running.app();
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().expect(143).stdout(), "ready\ncode 143\n");
    }
}

#[test]
fn an_after_hook_that_hangs_is_killed_with_all_it_started() {
    for place in both() {
        let deaf = sh("trap '' TERM; sleep 300 >/dev/null 2>&1 & echo $!; wait");
        let yaml = format!(
            "command: 'true'\nafter: [{{command: {deaf}, timeout: 3s}}, {{command: [echo, next]}}]\n"
        );
        let running = mode(place(), &yaml).start();
        let child = told_pid(&running);
        let done = running.finish().expect(0);
        assert!(done.stdout().ends_with("\nnext\n"), "{}", done.stdout());
        assert!(
            done.errors()[0].ends_with("did not end within 3s"),
            "{:?}",
            done.errors()
        );
        wait::until("it is gone", || wait::gone(child).then_some(()));
    }
}

#[test]
fn what_an_after_hook_leaves_behind_ends_with_it() {
    for place in both() {
        let leaves =
            sh("sleep 300 >/dev/null 2>&1 & echo $!; until [ -e go ]; do sleep 0.02; done");
        let yaml = format!("command: 'true'\nafter: [{{command: {leaves}, timeout: 50s}}]\n");
        let running = mode(place(), &yaml).start();
        let child = told_pid(&running);
        std::fs::write(running.folder().join("go"), "").unwrap();
        running.finish().expect(0);
        wait::until("it is gone", || wait::gone(child).then_some(()));
    }
}

#[test]
fn a_repeated_stop_does_not_cut_an_after_hook() {
    let yaml = format!(
        "command: 'true'\nafter: [{{command: {}, timeout: 50s}}]\n",
        sh("echo ready; until [ -e go ]; do sleep 0.02; done; echo done")
    );
    for place in both() {
        let running = mode(place(), &yaml).start();
        running.stdout.wait_for("ready");
        running.signal(Signal::SIGTERM);
        running.stderr.wait_for("stop_repeated");
        std::fs::write(running.folder().join("go"), "").unwrap();
        assert_eq!(running.finish().expect(0).stdout(), "ready\ndone\n");
    }
}

#[test]
fn hooks_that_need_more_than_a_stop_may_take_are_an_error() {
    let yaml = "command: [touch, started]\nafter: [{command: 'true', timeout: 20s}, {command: 'true', timeout: 10s}]\n";
    let entry = mode(Entry::new(), yaml).env("ENTRY_STOP_TIMEOUT", "30");
    let error = "mode web: ENTRY_STOP_TIMEOUT is 30s, and the hooks under after may take 30s: nothing is left for the app; shorten their timeout";
    refused(entry.run(), &[error]);
    let done = mode(Entry::new(), yaml)
        .env("ENTRY_STOP_TIMEOUT", "31")
        .run()
        .expect(0);
    // One second for the app, and what the hooks may take.
    assert_eq!(done.line("start")["stop_max_ms"], 31_000);
}

#[test]
fn explain_tells_of_hooks() {
    let yaml = "command: [puma, -p, \"${PORT}\"]\nuser: nobody\nbefore:\n- {command: chown nobody x, user: root}\n- {command: \"rails db:prepare ${PORT}\", timeout: 5m, retry: 3, wait: 5s}\nafter:\n- {command: \"bin/report ${PORT}\", timeout: 3s}\nstop: {grace: 4s}\n";
    let done = mode(Entry::new().env("PORT", CANARY), yaml).strip_last_arg();
    let done = done.args(["--explain", "web"]).run().expect(0);
    let expected = "mode web
  1. become nobody
  2. run chown nobody x to its end as root
  3. run rails db:prepare ${PORT} to its end, 5m at most, up to 3 times more, 5s apart
  4. run puma -p '${PORT}' (a terminal belongs to the app)
  5. at the end, run bin/report ${PORT}, 3s at most

stop (plain), on SIGTERM, SIGINT
     0.0 s  the same signal to its process group
     4.0 s  SIGKILL to whatever is left
";
    assert_eq!(done.stdout(), expected);
}
