//! unicorn's upgrade by USR2 as PID 1: a new master takes over from the old one, and the container stays.

use super::{PLACES, ended_gracefully, together};
use crate::support::rails::{Server, app};
use crate::support::traffic::Traffic;
use crate::support::{Entry, wait};
use nix::sys::signal::Signal;

/// The app's own configuration, and what unicorn's documentation says for an upgrade: the new master's last
/// worker ends the old one. A slow new master has no title yet when the old one is gone.
const CONFIG: &str = r##"
instance_eval(File.read(ENV.fetch("APP_CONFIG")))
before_fork do |server, worker|
  ActiveRecord::Base.connection_pool.disconnect!
  old = "#{ENV.fetch('PIDFILE')}.oldbin"
  if File.exist?(old) && server.pid != old && worker.nr + 1 >= server.worker_processes
    begin
      master = File.read(old).to_i
      Process.kill(:QUIT, master)
      while ENV.key?("SLOW")
        Process.kill(0, master)
        sleep 0.01
      end
    rescue Errno::ENOENT, Errno::ESRCH
    end
  end
end
"##;

#[test]
fn a_new_master_takes_over_under_load() {
    let slow = Entry::container().env("SLOW", "");
    let places = PLACES.map(|place| place()).into_iter().chain([slow]);
    together(places, |entry| {
        let folder = entry.folder().to_owned();
        let entry = entry
            .file("upgrade.rb", CONFIG)
            .env("APP_CONFIG", app().join("config/unicorn.rb"))
            .env("PIDFILE", folder.join("unicorn.pid"));
        let config = folder.join("upgrade.rb");
        let mode = format!(
            "command: [bundle, exec, unicorn, -c, {}]\nstop: {{preset: unicorn, drain: 0s}}",
            config.display()
        );
        let server = Server::start(entry, &mode);
        let old = server.running.app();
        let traffic = Traffic::start(server.port, 4);
        let answered = || traffic.so_far().pages.values().sum::<usize>();
        server.running.signal(Signal::SIGUSR2);
        server.running.stderr.wait_for(r#""event":"upgraded""#);
        let before = answered();
        wait::until("the new master answers", || {
            (answered() > before + 20).then_some(())
        });
        assert_eq!(traffic.stop().failed, [] as [&str; 0], "requests were lost");
        assert!(wait::gone(old), "the old master is there");
        // The stop goes to the survivor, and is as graceful as ever.
        let slow = server.begin_slow(5.0);
        let done = server.stop_during(slow, Signal::SIGTERM).expect(0);
        ended_gracefully(&done, "SIGTERM", &["SIGQUIT"]);
        assert_ne!(
            done.line("upgraded")["pid"],
            done.line("upgraded")["old_pid"]
        );
    });
}

/// The old master ends without a successor: that is the app's end, as always.
#[test]
fn a_master_that_dies_without_a_successor_ends_the_container() {
    let server = Server::start(PLACES[0](), super::UNICORN);
    let master = server.running.app();
    nix::sys::signal::kill(master, Signal::SIGKILL).unwrap();
    let done = server.running.finish().expect(137);
    assert!(!done.stderr().contains(r#""event":"upgraded""#));
}
