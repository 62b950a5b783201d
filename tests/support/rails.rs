//! The example app: one copy a test run, read-only in use, with all that is written in the test's folder.

use super::http::{self, Request};
use super::{Entry, Finished, Running, repository, wait};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A copy of examples/rails with its gems locked.
pub fn app() -> &'static Path {
    static APP: OnceLock<PathBuf> = OnceLock::new();
    APP.get_or_init(|| {
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rails");
        let _ = std::fs::remove_dir_all(&copy);
        run(Command::new("cp")
            .arg("-rT")
            .args([&repository("examples/rails"), &copy]));
        let _ = std::fs::remove_file(copy.join("Gemfile.lock"));
        run(Command::new("bundle")
            .args(["lock", "--local"])
            .current_dir(&copy));
        copy
    })
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// Gives an entry the app. A mode says `workdir: ${APP}`.
pub fn with_app(mut entry: Entry) -> Entry {
    if entry.bundle.is_some() {
        entry = entry.bundle(["--ro-bind".as_ref(), app().as_os_str()]);
    }
    let folder = entry.folder().to_owned();
    let database = format!("sqlite3:{}", folder.join("app.sqlite3").display());
    entry
        .env("APP", app())
        .env("RAILS_ENV", "production")
        .env("SECRET_KEY_BASE", "not-secret")
        .env("SECRETS_FILE", folder.join("none.yml"))
        .env("DATABASE_URL", database)
        .env("APP_TMP", folder.join("tmp"))
        .env("NAP_LOG", folder.join("naps.log"))
}

/// A web server of the app.
pub struct Server {
    pub running: Running,
    pub port: u16,
}

impl Server {
    /// Gives the entry a mode `web`, which it will run, and returns the port with it.
    pub fn prepare(entry: Entry, mode: &str) -> (Entry, u16) {
        let port = http::free_port();
        let entry = with_app(entry)
            .env("BIND", "127.0.0.1")
            .env("PORT", port.to_string())
            .mode("web", &format!("workdir: ${{APP}}\n{mode}"))
            .args(["web"]);
        (entry, port)
    }

    /// Starts a mode, and waits until it serves.
    pub fn start(entry: Entry, mode: &str) -> Server {
        let (entry, port) = Server::prepare(entry, mode);
        Server::serving(entry.start(), port)
    }

    pub fn serving(running: Running, port: u16) -> Server {
        wait::until("the server answers", || {
            let ended = running.stderr.so_far().contains(r#""event":"stop""#);
            assert!(
                !ended,
                "{}\n{}",
                running.stdout.so_far(),
                running.stderr.so_far()
            );
            matches!(http::get(port, "/up"), Ok((200, _))).then_some(())
        });
        Server { running, port }
    }

    /// Sends a request for a slow page, and waits until a worker has begun with it.
    pub fn begin_slow(&self, seconds: f64) -> Slow {
        let path = format!("/slow?s={seconds:?}");
        let request = Request::send(self.port, &path).unwrap();
        self.running.stdout.wait_for(r#"Started GET "/slow"#);
        Slow { request, seconds }
    }

    /// Asks for a stop, and sees that the slow page still comes after it.
    pub fn stop_during(self, slow: Slow, signal: Signal) -> Finished {
        self.running.signal(signal);
        slow.answered_after_stop(&self.running);
        self.running.finish()
    }
}

/// A request that a worker is at.
pub struct Slow {
    request: Request,
    seconds: f64,
}

impl Slow {
    /// Waits until the stop has begun, then for the answer, which must come later.
    #[track_caller]
    pub fn answered_after_stop(self, running: &Running) {
        running.stderr.wait_for(r#""event":"stopping""#);
        assert!(
            self.request.pending(),
            "it ended before the stop, or was lost at once"
        );
        let answer = self.request.answer();
        let answer = answer.unwrap_or_else(|error| {
            panic!("lost: {error}\n{}", running.stderr.so_far());
        });
        assert_eq!(answer, (200, format!("slept {:?} s\n", self.seconds)));
    }
}
