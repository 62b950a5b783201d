//! Written files: content, mode, owner, folder, and what an exec session may do to them.

use super::{with_secrets, written};
use crate::support::sealed::{PASSPHRASE, seal};
use crate::support::{Entry, wait};
use nix::sys::signal::Signal;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

const YAML: &str = "# kept\nproduction:\n  key: value # kept, too\n  port: 0755\n";

/// Shows a file, and mode and owner of it and its folder.
const SHOW: &str = "[sh, -c, \"cat out/s.yml; stat -c '%a %u:%g' out/s.yml out\"]";

#[test]
fn a_written_file_is_the_decrypted_text_for_the_app_alone() {
    let done = with_secrets(Entry::new(), SHOW, YAML).run().expect(0);
    assert_eq!(done.stdout(), format!("{YAML}400 0:0\n710 0:0\n"));
    assert_eq!(done.line("start")["secrets"], 2);
    assert_eq!(done.line("start")["files"], 1);
}

#[test]
fn a_file_belongs_to_the_apps_user_and_gets_its_written_mode() {
    let entry = Entry::new();
    let out = entry.folder().join("out/s.yml");
    std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    let mode = format!(
        "command: {SHOW}\nuser: nobody\nsecrets: [{{vault: s.yml, write: {{path: \"{}\", mode: \"0440\"}}}}]\n",
        out.display()
    );
    let entry = entry
        .mode("web", &mode)
        .file("s.yml", seal(YAML, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE);
    let done = entry.args(["web"]).run().expect(0);
    assert_eq!(
        done.stdout(),
        format!("{YAML}440 65534:65534\n710 0:65534\n")
    );
}

#[test]
fn what_a_run_made_goes_with_it_and_what_was_there_stays() {
    let done = with_secrets(Entry::new(), SHOW, YAML).run().expect(0);
    assert!(!done.folder().join("out").exists());
    let entry = with_secrets(Entry::new(), SHOW, YAML);
    let folder = entry.folder().join("out");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("other"), "").unwrap();
    let _kept = entry.run().expect(0);
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|one| one.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["other"]);
}

#[test]
fn what_a_session_beside_uses_too_is_left_to_it() {
    let first = with_secrets(Entry::new(), "[sleep, \"60\"]", YAML);
    let file = written(&first);
    let first = first.start();
    first.app();
    let second = with_secrets(Entry::new(), "[sleep, \"60\"]", YAML);
    let mode = format!(
        "command: [sleep, \"60\"]\nsecrets: [{{vault: s.yml, write: \"{}\"}}]\n",
        file.display()
    );
    let second = second.mode("web", &mode).start();
    second.app();
    first.signal(Signal::SIGTERM);
    let kept = first.finish().expect(143);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), YAML);
    second.signal(Signal::SIGTERM);
    second.finish().expect(143);
    drop(kept);
}

#[test]
fn an_old_file_is_replaced_and_nothing_else_is_left_in_the_folder() {
    let entry = with_secrets(Entry::new(), "[cat, out/s.yml]", YAML);
    let folder = entry.folder().join("out");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("s.yml"), "old").unwrap();
    let done = entry.run().expect(0);
    assert_eq!(done.stdout(), YAML);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}

#[test]
fn an_exec_session_leaves_an_identical_file_alone_and_refuses_another() {
    let entry = with_secrets(Entry::new(), "[sleep, \"60\"]", YAML);
    let file = written(&entry);
    let running = entry.start();
    running.app();
    let first = file.metadata().unwrap().ino();
    let session = |yaml: &str| {
        let entry = with_secrets(Entry::new(), "[\"true\"]", yaml);
        let mode = format!(
            "command: [\"true\"]\nsecrets: [{{vault: s.yml, write: \"{}\"}}]\n",
            file.display()
        );
        entry.mode("web", &mode).run()
    };
    session(YAML).expect(0);
    assert_eq!(
        file.metadata().unwrap().ino(),
        first,
        "an identical file was replaced"
    );
    let refused = session("production: {key: other}\n").expect(125);
    let message = format!(
        "{}: differs from what the running entry wrote: its app would see other secrets; restart the task instead",
        file.display()
    );
    assert_eq!(refused.errors(), [message]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), YAML);
    running.signal(Signal::SIGTERM);
    let _kept = running.finish().expect(143);
    // Nobody lives there any more: now it may be replaced.
    session("production: {key: other}\n").expect(0);
}

#[test]
fn a_folder_that_is_not_safe_is_refused() {
    let unsafe_folder = |prepare: &dyn Fn(&std::path::Path), reason: &str| {
        let entry = with_secrets(Entry::new(), "[touch, started]", YAML);
        let folder = entry.folder().join("out");
        prepare(&folder);
        let done = entry.run().expect(125);
        assert_eq!(
            done.errors(),
            [format!("folder {}: {reason}", folder.display())]
        );
        assert!(!done.folder().join("started").exists() && !folder.join("s.yml").exists());
    };
    unsafe_folder(
        &|out| symlink("/tmp", out).unwrap(),
        "is a symbolic link or no folder: secrets are not written through links",
    );
    unsafe_folder(
        &|out| std::fs::write(out, "").unwrap(),
        "is a symbolic link or no folder: secrets are not written through links",
    );
    unsafe_folder(
        &|out| {
            std::fs::create_dir(out).unwrap();
            std::fs::set_permissions(out, PermissionsExt::from_mode(0o777)).unwrap();
        },
        "others may write to it (mode 0777): chmod go-w it",
    );
    unsafe_folder(
        &|out| {
            std::fs::create_dir(out).unwrap();
            std::os::unix::fs::chown(out, Some(1234), None).unwrap();
        },
        "belongs to user 1234, who could replace what is written there: remove it or choose another",
    );
}

#[test]
fn files_of_a_failed_exec_are_taken_away() {
    // All checks pass, and only execve finds that this is no program.
    let entry = with_secrets(Entry::new(), "[./app]", YAML).program("app", "no program\n", 0o755);
    let done = entry.run().expect(126);
    assert!(!done.folder().join("out").exists());
}

#[test]
fn a_filesystem_without_unnamed_files_works_too() {
    // Neither O_TMPFILE nor a leftover: a 9p or old overlay behaves like this; here, ramfs does.
    let script = "mkdir -p out && mount -t ramfs -o mode=700 none out && \"$0\" web; rc=$?; ls -A out; exit $rc";
    let entry = with_secrets(
        Entry::wrapped(["unshare", "--mount", "sh", "-c", script]),
        "[cat, out/s.yml]",
        YAML,
    );
    let done = entry.strip_last_arg().run().expect(0);
    // It has gone with the run, and no private name is left.
    assert_eq!(done.stdout(), YAML);
}

#[test]
fn the_folder_is_locked_for_as_long_as_entry_lives() {
    let entry = with_secrets(Entry::new(), "[sleep, \"60\"]", YAML);
    let folder = entry.folder().join("out");
    let running = entry.start();
    running.app();
    let asking = std::fs::File::open(&folder).unwrap();
    let locked = || entry::sys::lock::is_held(&asking).then_some(());
    wait::until("the lock", locked);
    running.signal(Signal::SIGTERM);
    running.finish().expect(143);
}
