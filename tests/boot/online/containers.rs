//! In real containers: from scratch with TLS and DNS, and exec sessions.

use super::{YAML, with_files, with_kms};
use crate::support::dns::DnsServer;
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::moto::Moto;
use crate::support::tls::certificate;
use crate::support::{Entry, fixed_kms};
use nix::sys::signal::Signal;
use std::ffi::OsString;
use std::path::Path;

/// An option of `scripts/runc-bundle` that shows a file under another path.
fn shown(option: &str, file: &Path, at: &str) -> [OsString; 2] {
    let mut pair = file.as_os_str().to_owned();
    pair.push(":");
    pair.push(at);
    [option.into(), pair]
}

/// Nothing in the root but `/entry`: the DNS server of `/etc/resolv.conf` finds the name, and TLS trusts the
/// bundle that is named, else the roots that are built in.
#[test]
fn from_scratch_with_tls() {
    let dns = DnsServer::start([127, 77, 0, 3]);
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let bundle = folder.path().join("ca.pem");
    let moto = Moto::start_tls(&bundle, &folder.path().join("key.pem"));
    let url = format!("https://kms.test:{}", moto.address().port());
    let boot = |ca: Option<&Path>| {
        let root = tempfile::tempdir().unwrap();
        let resolv_conf = folder.path().join("resolv.conf");
        std::fs::write(&resolv_conf, dns.resolv_conf()).unwrap();
        let entry = Entry::container()
            .bundle(["--rootfs".as_ref(), root.path().as_os_str()])
            .bundle(shown("--ro-bind", &resolv_conf, "/etc/resolv.conf"));
        let entry = with_kms(entry, &url);
        let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
        let (_, rest) = mode.split_once('\n').unwrap();
        let entry = entry.mode("web", &format!("command: [/entry, --version]\n{rest}"));
        let ca = ca.map(|ca| (shown("--ro-bind", ca, "/ca.pem"), "/ca.pem"));
        let entry = match ca {
            Some((bind, path)) => entry.bundle(bind).env("AWS_CA_BUNDLE", path),
            None => entry,
        };
        entry.run().expect(125).errors().concat()
    };
    // moto has no such key behind TLS, which it can only say once the certificate was found good.
    let said = boot(Some(&bundle));
    assert!(said.contains("kms:Decrypt: access denied"), "{said}");
    let said = boot(None);
    assert!(said.contains("invalid peer certificate"), "{said}");
    assert!(dns.asked().contains(&"kms.test".to_owned()));
}

#[test]
fn from_scratch_an_app_gets_its_file() {
    let kms = FakeHttp::start(|request, _| fixed_kms::answer(request));
    let root = tempfile::tempdir().unwrap();
    let entry = Entry::container().bundle(["--rootfs".as_ref(), root.path().as_os_str()]);
    let busybox = shown("--ro-bind", Path::new("/bin/busybox"), "/busybox");
    let entry = with_kms(entry.bundle(busybox), &kms.url());
    let mode = "command: [/busybox, cat, /dev/shm/entry/s.yml]\n\
        secrets: [{vault: s.yml, cryptor: aws-kms, write: /dev/shm/entry/s.yml}]\n";
    let done = entry.mode("web", mode).run().expect(0);
    assert_eq!(done.stdout(), YAML);
}

/// `--as MODE` beside the running app: it fetches again, sees what the mode sees, and leaves nothing.
#[test]
fn an_exec_session_in_a_container() {
    let server = super::aws(|_, _| Reply::Answer(200, vec![], b"an object\n".to_vec()));
    let entry = with_files(Entry::container(), &server.url(), "", YAML);
    let files = "files: [{from: s3://bucket/x, to: /dev/shm/entry/object}]\n";
    let secrets = "secrets: [{vault: s.yml, cryptor: aws-kms, write: /dev/shm/entry/s.yml}]\n";
    let running = entry
        .mode("web", &format!("command: [sleep, \"60\"]\n{secrets}"))
        .mode("report", &format!("command: [\"true\"]\n{secrets}{files}"))
        .start();
    running.app();
    let asked = server.requests().len();
    let folder = running.folder().display().to_string();
    let script = format!(
        "cd {folder} && exec /entry --as report -- cat /dev/shm/entry/s.yml /dev/shm/entry/object"
    );
    let mut session = running.container().exec(&["sh", "-c", &script]);
    let done = session.output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert_eq!(stdout, format!("{YAML}an object\n"), "{stderr}");
    assert_eq!(server.requests().len(), asked + 3);
    let left = running
        .container()
        .exec(&["ls", "/dev/shm/entry"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "s.yml\n");
    running.signal(Signal::SIGTERM);
    running.finish().expect(143);
}
