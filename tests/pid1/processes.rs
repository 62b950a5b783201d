//! Codependent processes: start, readiness, crashes, restarts, stops and leftovers.

use super::both;
use crate::support::{Entry, Finished, Running, http, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpgid};
use std::fmt::Write as _;
use std::path::Path;

/// Goes on until it is told to end.
const WAITS: &str = "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
/// Hears no TERM.
const DEAF: &str = "trap '' TERM; echo up; while :; do sleep 0.02; done";

/// A mode `all` with a shell's script and more keys for each process, and more keys for all.
fn all(place: fn() -> Entry, processes: &[(&str, &str, &str)], more: &str) -> Entry {
    let mut yaml = format!("{more}\nprocesses:\n");
    for (name, script, keys) in processes {
        let command = serde_json::json!(["sh", "-c", script]);
        let _ = writeln!(yaml, "  {name}: {{command: {command}{keys}}}");
    }
    place().mode("all", &yaml).args(["all"])
}

/// The processes that were told of by an event, in order.
fn names(done: &Finished, event: &str) -> Vec<String> {
    let lines = done.lines();
    let told = lines.iter().filter(|line| line["event"] == event);
    told.map(|line| line["process"].as_str().unwrap().to_owned())
        .collect()
}

/// What entry said about a process, its times aside.
fn told(done: &Finished, begin: &str) -> Vec<String> {
    let time = regex::Regex::new(r"\d+ ms|\d+\.\d\d s").unwrap();
    let lines = done.lines();
    let messages = lines.iter().map(|line| line["message"].as_str().unwrap());
    messages
        .filter(|text| text.starts_with(begin))
        .map(|text| time.replace_all(text, "T").into_owned())
        .collect()
}

/// The process with this name, seen from here.
fn pid_of(running: &Running, name: &str) -> Pid {
    let text = running
        .stderr
        .wait_for(&format!("all: {name} started as pid"));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    seen_from_here(running, &line["pid"].to_string())
}

/// A process of entry's namespace, by its number in there.
fn seen_from_here(running: &Running, number: &str) -> Pid {
    wait::until("the process", || {
        wait::descendants(running.process.pid())
            .into_iter()
            .find(|one| {
                let ids = wait::status(*one, "NSpid").unwrap_or_default();
                ids.split_whitespace().last() == Some(number)
            })
    })
}

fn touch(folder: &Path, name: &str) {
    std::fs::write(folder.join(name), "").unwrap();
}

#[test]
fn they_share_an_environment_and_nothing_else() {
    let show = "echo $A $(id -u) $PWD $(umask) $(grep SigBlk /proc/self/status); echo up; trap 'exit 0' TERM; read line || echo no input; while :; do sleep 0.02; done";
    for place in both() {
        let processes = [("web", show, ""), ("worker", show, "")];
        let more = "env: {A: a}\nuser: nobody\nworkdir: /usr\numask: \"0027\"";
        let running = all(place, &processes, more).start();
        running.stdout.wait_for_nth("no input", 2);
        for name in ["web", "worker"] {
            let pid = pid_of(&running, name);
            assert_eq!(getpgid(Some(pid)).unwrap(), pid, "{name}");
        }
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        let line = "a 65534 /usr 0027 SigBlk: 0000000000000000\n";
        assert_eq!(done.stdout().matches(line).count(), 2, "{}", done.stdout());
    }
}

#[test]
fn one_that_ends_ends_all_with_its_code() {
    for (script, code) in [("exit 7", 7), ("kill -9 $$", 137), ("exit 0", 0)] {
        for place in both() {
            let crash = format!("until [ -e go ]; do sleep 0.02; done; {script}");
            let processes = [("web", WAITS, ""), ("worker", &*crash, "")];
            let running = all(place, &processes, "").start();
            running.stdout.wait_for("up");
            touch(running.folder(), "go");
            let done = running.finish().expect(code);
            assert_eq!(names(&done, "process_ended"), ["worker", "web"]);
            let how = match code {
                137 => "killed by SIGKILL".to_owned(),
                code => format!("exited {code}"),
            };
            let crashed = [format!("all: worker {how} after T; the others stop")];
            assert_eq!(told(&done, "all: worker ").split_off(1), crashed);
            assert_eq!(done.line("stop")["code"], code);
        }
    }
}

#[test]
fn an_optional_one_ends_alone() {
    for place in both() {
        let processes = [("web", WAITS, ""), ("once", "exit 3", ", optional: true")];
        let running = all(place, &processes, "").start();
        running.stderr.wait_for("once exited 3");
        running.stdout.wait_for("up");
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        let once = told(&done, "all: once ");
        assert_eq!(once[1], "all: once exited 3 after T; the others run on");
    }
}

#[test]
fn one_may_be_started_again_and_again() {
    for place in both() {
        let crash = "echo x >>starts; exit 3";
        let keys = ", restart: {delay: 20ms, max_delay: 1h, times: 3}";
        let processes = [("web", WAITS, ""), ("clock", crash, keys)];
        let done = all(place, &processes, "").run().expect(3);
        let starts = std::fs::read_to_string(done.folder().join("starts")).unwrap();
        assert_eq!(starts.lines().count(), 4);
        let delays: Vec<String> = done
            .lines()
            .iter()
            .filter(|line| line["process"] == "clock" && line["level"] == "warning")
            .map(|line| {
                let text = line["message"].as_str().unwrap();
                text.split_once("again in ").unwrap().1.to_owned()
            })
            .collect();
        assert_eq!(delays, ["20 ms", "40 ms", "80 ms"]);
        assert_eq!(done.line("stop")["code"], 3);
    }
}

#[test]
fn leftovers_of_one_are_gone_before_it_starts_again() {
    let script = "if [ -e left ]; then kill -0 $(cat left) && echo alive; echo again; sleep 60; fi; (trap '' TERM; sleep 60) & echo $! >left; exit 1";
    for place in both() {
        let keys = ", restart: {delay: 10ms}";
        let running = all(place, &[("clock", script, keys)], "").start();
        running.stdout.wait_for("again");
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().expect(143).stdout(), "again\n");
    }
}

#[test]
fn the_second_starts_when_the_first_is_ready() {
    // What shows that it is ready, and what brings that about.
    let tcp = http::free_port();
    let page = http::free_port();
    let server = |port: u16, answer: &str| {
        let code = format!(
            "use IO::Socket::INET; 1 until -e q(go) || !select undef, undef, undef, 0.02; \
             my $s = IO::Socket::INET->new(LocalAddr => q(127.0.0.1:{port}), Listen => 5, ReuseAddr => 1) or die; \
             while (my $c = $s->accept) {{ my $line = <$c>; my $code = -e q(well) ? 200 : 503; print $c qq({answer}) if $line; close $c }}"
        );
        format!("exec perl -e '{code}'")
    };
    let error = "HTTP/1.0 $code x\\r\\n\\r\\n";
    let wait_for_go = "until [ -e go ]; do sleep 0.02; done";
    let cases = [
        ("tcp", tcp.to_string(), server(tcp, "")),
        (
            "http",
            format!("\"http://127.0.0.1:{page}/up\""),
            server(page, error),
        ),
        (
            "file",
            "FOLDER/ready".to_owned(),
            format!("{wait_for_go}; touch ready; {WAITS}"),
        ),
        (
            "line",
            "\"is ready\"".to_owned(),
            format!("echo is not; {wait_for_go}; echo it is ready, yes >&2; {WAITS}"),
        ),
    ];
    for place in both() {
        for (sign, value, script) in &cases {
            let mut processes = vec![("worker", "echo worker; sleep 60", ", after: web")];
            let entry = all(place, &[], "");
            let value = value.replace("FOLDER", &entry.folder().display().to_string());
            let keys = format!(", ready: {{{sign}: {value}, timeout: 50s}}");
            processes.push(("web", script, &keys));
            let mut yaml = String::from("processes:\n");
            for (name, script, keys) in &processes {
                let command = serde_json::json!(["sh", "-c", script]);
                let _ = writeln!(yaml, "  {name}: {{command: {command}{keys}}}");
            }
            let running = entry.mode("all", &yaml).start();
            let web = pid_of(&running, "web");
            assert!(!wait::gone(web));
            assert!(
                !running.stderr.so_far().contains("worker started"),
                "{sign}"
            );
            touch(running.folder(), "go");
            if *sign == "http" {
                // It answers, but with an error.
                wait::until("an answer", || http::get(page, "/up").ok());
                assert!(!running.stderr.so_far().contains("worker started"));
                touch(running.folder(), "well");
            }
            running.stdout.wait_for("worker");
            running.signal(Signal::SIGTERM);
            let done = running.finish();
            let lines = done.lines();
            let steps: Vec<String> = lines
                .iter()
                .filter(|line| {
                    ["process_started", "process_ready"]
                        .iter()
                        .any(|one| line["event"] == *one)
                })
                .map(|line| format!("{} {}", line["event"], line["process"]).replace('"', ""))
                .collect();
            let expected = [
                "process_started web",
                "process_ready web",
                "process_started worker",
            ];
            assert_eq!(steps, expected, "{sign}: {}", done.stderr());
        }
    }
}

#[test]
fn what_is_not_ready_in_time_ends_all_with_125() {
    for sign in [
        "tcp: 1",
        "file: /no/such",
        "line: never",
        "http: \"http://127.0.0.1:1/\"",
    ] {
        let keys = format!(", ready: {{{sign}, timeout: 300ms}}");
        let processes = [
            ("web", WAITS, &*keys),
            ("worker", "echo worker", ", after: web"),
        ];
        let done = all(Entry::pid1, &processes, "").run().expect(125);
        assert_eq!(done.stdout(), "up\n");
        let error = "all: web is not ready within 300ms: see its output, or raise ready: {timeout}";
        assert_eq!(done.errors(), [error], "{sign}");
    }
}

#[test]
fn a_stop_goes_in_reverse_order_and_gives_each_its_time() {
    let slow = |name: &str| {
        format!(
            "trap 'echo {name} told; sleep 0.3; echo {name} ends; exit 0' TERM; echo up; while :; do sleep 0.02; done"
        )
    };
    let [redis, web, worker] = ["redis", "web", "worker"].map(slow);
    for place in both() {
        let processes = [
            ("worker", &*worker, ", after: web"),
            ("redis", &*redis, ""),
            ("web", &*web, ", after: redis"),
        ];
        let running = all(place, &processes, "").start();
        running.stdout.wait_for_nth("up", 3);
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        let said = done.stdout().replace("up\n", "");
        assert_eq!(
            said,
            "worker told\nworker ends\nweb told\nweb ends\nredis told\nredis ends\n"
        );
        assert_eq!(names(&done, "process_started"), ["redis", "web", "worker"]);
        assert_eq!(names(&done, "process_ended"), ["worker", "web", "redis"]);
        let line = done.line("stop");
        assert_eq!(
            (&line["forced"], &line["signal"]),
            (&false.into(), &"SIGTERM".into())
        );
    }
}

#[test]
fn each_has_its_own_way_to_stop() {
    let says = |signal: &str| {
        format!("trap 'echo got {signal}; exit 0' {signal}; echo up; while :; do sleep 0.02; done")
    };
    let (usr2, int) = (says("USR2"), says("INT"));
    let processes = [
        ("a", &*usr2, ", stop: {steps: [{signal: USR2, wait: 50s}]}"),
        ("b", &*int, ""),
    ];
    let more = "stop: {steps: [{signal: INT, wait: 50s}]}";
    let running = all(Entry::pid1, &processes, more).start();
    running.stdout.wait_for_nth("up", 2);
    running.signal(Signal::SIGTERM);
    let done = running.finish().expect(0);
    for signal in ["USR2", "INT"] {
        assert!(
            done.stdout().contains(&format!("got {signal}\n")),
            "{}",
            done.stdout()
        );
    }
}

#[test]
fn a_deaf_one_is_killed_and_the_others_get_their_time() {
    for place in both() {
        let polite =
            "trap 'sleep 0.2; echo ends; exit 0' TERM; echo up; while :; do sleep 0.02; done";
        let processes = [("redis", polite, ""), ("worker", DEAF, ", after: redis")];
        let running = all(place, &processes, "")
            .env("ENTRY_STOP_TIMEOUT", "2")
            .start();
        running.stdout.wait_for_nth("up", 2);
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(137);
        assert!(done.stdout().contains("ends\n"), "{}", done.stderr());
        assert_eq!(done.line("stop")["forced"], true);
        assert_eq!(done.line("stopping")["max_ms"].as_u64().unwrap() / 10, 199);
        // Half of the cap for each.
        let lines = done.lines();
        let worker = lines
            .iter()
            .rfind(|line| line["process"] == "worker")
            .unwrap();
        let killed = &worker["sent"][1];
        assert_eq!(killed["signal"], "SIGKILL");
        assert!(
            (990..1900).contains(&killed["at_ms"].as_u64().unwrap()),
            "{worker}"
        );
    }
}

#[test]
fn all_deaf_ones_are_killed_within_the_cap() {
    let processes: Vec<(String, String)> = (0..5)
        .map(|n| {
            let keys = if n > 0 {
                format!(", after: p{}", n - 1)
            } else {
                String::new()
            };
            (format!("p{n}"), keys)
        })
        .collect();
    let processes: Vec<_> = processes
        .iter()
        .map(|(name, keys)| (&**name, DEAF, &**keys))
        .collect();
    for place in both() {
        let more = "after: [{command: [echo, after], timeout: 1s}]";
        let running = all(place, &processes, more)
            .env("ENTRY_STOP_TIMEOUT", "2")
            .start();
        running.stdout.wait_for_nth("up", 5);
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(137);
        let line = done.line("stop");
        // One second for the hook; without the cap each would have 25 s.
        assert_eq!(done.line("stopping")["max_ms"].as_u64().unwrap() / 10, 99);
        assert!(line["stop_ms"].as_u64().unwrap() < 20_000, "{line}");
        assert!(done.stdout().ends_with("after\n"));
    }
}

#[test]
fn grandchildren_and_who_left_the_group_are_gone_at_the_end() {
    let script =
        "(sleep 60) & setsid sh -c '(sleep 60) & sleep 60' & (setsid sleep 60 &) ; echo up; wait";
    for place in both() {
        for crash in [false, true] {
            let marker = format!("MARKER=left-{}-{crash}-{:p}", std::process::id(), &place);
            let (name, value) = marker.split_once('=').unwrap();
            let ends = "until [ -e go ]; do sleep 0.02; done; exit 4";
            let processes = [("web", script, ""), ("worker", ends, "")];
            let entry = all(place, &processes, "").env(name, value);
            let running = entry.start();
            running.stdout.wait_for("up");
            // Two shells and entry, its sleeps, the worker.
            wait::until("all are there", || {
                (wait::started_with(&marker).len() > 8).then_some(())
            });
            if crash {
                touch(running.folder(), "go");
            } else {
                running.signal(Signal::SIGTERM);
            }
            running.finish().expect(if crash { 4 } else { 143 });
            assert_eq!(wait::started_with(&marker), []);
        }
    }
}

#[test]
fn fifty_processes_start_and_stop() {
    let many: Vec<(String, String)> = (0..50)
        .map(|n| {
            let after = if n % 5 == 0 {
                String::new()
            } else {
                format!(", after: p{}", n - 1)
            };
            (
                format!("p{n}"),
                format!("{after}, ready: {{line: up, timeout: 59s}}"),
            )
        })
        .collect();
    let many: Vec<_> = many
        .iter()
        .map(|(name, keys)| {
            (
                &**name,
                "trap 'exit 0' TERM; echo up; read x <>fifo",
                &**keys,
            )
        })
        .collect();
    let entry = all(Entry::pid1, &many, "output: prefixed");
    nix::unistd::mkfifo(&entry.folder().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let running = entry.start();
    running.stderr.wait_for_nth("process_ready", 50);
    running.signal(Signal::SIGTERM);
    let done = running.finish().expect(0);
    assert_eq!(names(&done, "process_ended").len(), 50);
    assert_eq!(done.stdout().matches(" | up\n").count(), 50);
    assert_eq!(done.line("stop")["forced"], false);
}

#[test]
fn signals_that_are_no_stop_reach_all() {
    let script =
        "trap 'echo got it' USR1; trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
    let running = all(Entry::pid1, &[("a", script, ""), ("b", script, "")], "").start();
    running.stdout.wait_for_nth("up", 2);
    running.signal(Signal::SIGUSR1);
    running.stdout.wait_for_nth("got it", 2);
    running.signal(Signal::SIGTERM);
    running.finish().expect(0);
}

#[test]
fn max_runtime_ends_all_with_124() {
    let processes = [("a", WAITS, ""), ("b", WAITS, "")];
    let done = all(Entry::pid1, &processes, "max_runtime: 300ms")
        .run()
        .expect(124);
    assert_eq!(done.line("stop")["sender"], "max_runtime");
}

#[test]
fn a_stop_while_one_is_waited_for() {
    for place in both() {
        let processes = [
            ("web", WAITS, ", ready: {file: /no/such, timeout: 50s}"),
            ("worker", "echo worker", ", after: web"),
        ];
        let running = all(place, &processes, "").start();
        running.stdout.wait_for("up");
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        assert_eq!(names(&done, "process_started"), ["web"]);
        assert_eq!(done.stdout(), "up\n");
    }
}

#[test]
fn what_cannot_be_executed_ends_all() {
    let entry = Entry::pid1()
        .mode(
            "all",
            "processes: {a: {command: ./app}, b: {command: sleep 60}}\n",
        )
        .file("app", "no program\n")
        .args(["all"]);
    let app = entry.folder().join("app");
    std::fs::set_permissions(app, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let done = entry.run().expect(126);
    let error = "all: a: ./app: exec format error: a script without #! line, or a binary of another architecture";
    assert_eq!(done.errors(), [error]);
}

#[test]
fn all_missing_programs_are_told_and_nothing_starts() {
    let entry = Entry::new()
        .mode("all", "processes: {a: {command: nope-a}, b: {command: touch started}, c: {command: nope-c}}\n")
        .env("PATH", "/usr/bin:/bin")
        .args(["all"]);
    let done = entry.run().expect(127);
    let missing = "not found in PATH (/usr/bin:/bin): is it in the image?";
    let expected = [("a", "nope-a"), ("c", "nope-c")]
        .map(|(name, program)| format!("modes/all.yml:1: {name}: {program}: {missing}"));
    assert_eq!(done.errors(), expected);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn a_mode_of_several_takes_no_arguments() {
    let done = all(Entry::new, &[("a", "touch started", "")], "")
        .args(["more"])
        .run()
        .expect(125);
    let error = "mode all runs several processes and takes no arguments, but got \"more\"";
    assert_eq!(done.errors(), [error]);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn explain_tells_of_processes() {
    let yaml = "stop: {grace: 8s}\nprocesses:
  redis: {command: redis-server, ready: {tcp: 6379}, restart: true}
  web: {command: \"puma -p ${PORT}\", after: redis, stop: {preset: puma, drain: 5s, grace: 10s}, ready: {http: \"http://localhost:3000/up\", timeout: 2m}}
  clock: {command: clock, after: [web, redis], optional: true, ready: {line: It is}}\n";
    let done = Entry::new()
        .mode("all", yaml)
        .env("PORT", "4711")
        .args(["--explain", "all"])
        .run()
        .expect(0);
    let expected = "mode all
  1. start redis: redis-server; ready when 127.0.0.1:6379 accepts connections, within 1m; started again after 1s up to 1m
  2. start web: puma -p ${PORT}, once redis is ready; ready when http://127.0.0.1:3000/up answers, within 2m
  3. start clock: clock, once redis and web is ready; ready when a line holds \"It is\", within 1m; its end ends nothing else

stop of all in reverse order, 26.0 s at most
stop of redis (plain), on SIGTERM, SIGINT
     0.0 s  the same signal to its process group
     8.0 s  SIGKILL to whatever is left
stop of web (puma), on SIGTERM, SIGINT, SIGQUIT
     0.0 s  keeps serving while the load balancer turns away
     5.0 s  SIGTERM to the process
    15.0 s  SIGKILL to whatever is left
stop of clock (plain), on SIGTERM, SIGINT
     0.0 s  the same signal to its process group
     8.0 s  SIGKILL to whatever is left
";
    assert_eq!(done.stdout(), expected);
}

#[test]
fn a_shell_before_a_server_is_warned_of() {
    let processes = [
        ("web", "true; true", ", stop: {preset: puma, drain: 0s}"),
        ("worker", "exec sleep 60", ", stop: sidekiq"),
        ("clock", "true; sleep 60", ""),
    ];
    let done = all(Entry::new, &processes, "").run().expect(0);
    let lines = done.lines();
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "warning")
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let text = "mode all: web's command is a shell, which gets puma's signals in its server's place: run the server itself, or `exec` it in the shell";
    assert_eq!(warnings[0]["message"], text);
}

#[test]
fn one_that_was_killed_from_outside_ends_all() {
    let running = all(Entry::pid1, &[("a", WAITS, ""), ("b", WAITS, "")], "").start();
    running.stdout.wait_for_nth("up", 2);
    kill(pid_of(&running, "a"), Signal::SIGKILL).unwrap();
    running.finish().expect(137);
}
