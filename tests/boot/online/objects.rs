//! Files from S3 and from paths: whole and in their place, or nothing at all.

use super::{YAML, aws, refused, refused_for, with_files, within};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::{Entry, wait};
use nix::sys::signal::Signal;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const ONE: &str = "files: [{from: s3://bucket/dir/ca.pem, to: OUT/ca.pem}]";

fn body(bytes: &'static [u8]) -> FakeHttp {
    aws(move |_, _| Reply::Answer(200, vec![], bytes.to_vec()))
}

fn error(status: u16, code: &'static str, message: &'static str) -> FakeHttp {
    aws(move |_, _| {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Reply::Answer(status, vec![], body.into())
    })
}

fn entry(server: &FakeHttp, files: &str) -> Entry {
    with_files(Entry::new(), &server.url(), files, YAML)
}

/// Another command for the mode.
fn running(entry: Entry, command: &str) -> Entry {
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let (_, rest) = mode.split_once('\n').unwrap();
    let mode = format!("command: {command}\n{rest}");
    entry.mode("web", &mode)
}

#[test]
fn objects_come_with_the_secrets_and_are_counted() {
    let server = body(b"an object\n");
    let files = "files:\n- {from: s3://bucket/a, to: OUT/x1}\n- {from: s3://bucket/b, to: OUT/x2, mode: \"0444\", user: nobody, group: \"7\"}\n";
    let show = "[sh, -c, \"cat out/x1; stat -c '%a %u:%g' out/x1 out/x2\"]";
    let entry = running(entry(&server, files), show);
    std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(entry.folder().join("out")).unwrap();
    std::fs::set_permissions(entry.folder().join("out"), PermissionsExt::from_mode(0o711)).unwrap();
    let done = entry.run().expect(0);
    assert_eq!(done.stdout(), "an object\n400 0:0\n444 65534:7\n");
    let line = done.line("start");
    assert_eq!(
        (&line["objects"], &line["object_bytes"]),
        (&2.into(), &20.into())
    );
    assert_eq!(line["files"], 3);
    let targets: Vec<String> = server
        .requests()
        .into_iter()
        .map(|one| one.target)
        .collect();
    assert!(
        targets.iter().any(|target| target.starts_with("/bucket/a")),
        "{targets:?}"
    );
}

#[test]
fn a_file_of_the_container_is_copied() {
    let server = body(b"");
    let files = "files: [{from: file:///etc/hostname, to: OUT/name}]";
    let done = running(entry(&server, files), "[cat, out/name]")
        .run()
        .expect(0);
    assert_eq!(
        done.stdout(),
        std::fs::read_to_string("/etc/hostname").unwrap()
    );
    for (from, reason) in [
        (
            "/no/such",
            "file:///no/such: No such file or directory (os error 2)",
        ),
        ("/dev/null", "file:///dev/null: is no regular file"),
    ] {
        let files = format!("files: [{{from: file://{from}, to: OUT/name}}]");
        refused_for(entry(&server, &files).run(), &["modes/web.yml:4: ", reason]);
    }
    let files = "files: [{from: file:///etc/passwd, to: OUT/name, max_size: 10B}]";
    refused_for(
        entry(&server, files).run(),
        &["has more than 10 B: raise max_size"],
    );
}

#[test]
fn version_and_customer_key_are_sent_and_the_key_is_a_secret() {
    let server = body(b"x");
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let yaml = format!("production:\n  key: {key}\n  short: AAAA\n");
    let files = |path: &str| {
        format!(
            "files: [{{from: s3://bucket/x, to: OUT/x, version_id: v1, customer_key: {{vault: s.yml, key: {path}}}}}]"
        )
    };
    let start = |path: &str| with_files(Entry::new(), &server.url(), &files(path), &yaml).run();
    start("$.production.key").expect(0);
    let requests = server.requests();
    let got = requests.iter().find(|one| one.method == "GET").unwrap();
    assert!(got.target.contains("versionId=v1"), "{}", got.target);
    assert_eq!(
        got.headers["x-amz-server-side-encryption-customer-key"],
        key
    );
    refused_for(
        start("$.production.short"),
        &[
            "modes/web.yml:4: customer_key: $.production.short is no key: write the base64 of its 32 bytes",
        ],
    );
    refused_for(
        start("$.production"),
        &["$.production is not one value of s.yml"],
    );
}

#[test]
fn refusals_of_s3() {
    refused_for(
        entry(
            &error(404, "NoSuchKey", "The specified key does not exist."),
            ONE,
        )
        .run(),
        &[
            "modes/web.yml:4: s3:GetObject s3://bucket/dir/ca.pem: not found: ",
            "correct the bucket, key or version",
        ],
    );
    refused_for(
        entry(&error(403, "AccessDenied", "Access Denied"), ONE).run(),
        &[
            "access denied: Access Denied (AccessDenied)",
            "is denied, too, where the role may not list the bucket",
        ],
    );
    let slow = error(503, "SlowDown", "Reduce your request rate.");
    refused_for(within(entry(&slow, ONE), "5s").run(), &["throttled: "]);
}

#[test]
fn objects_that_are_not_whole() {
    let short =
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\nc4n4ry".to_vec();
    let server = aws(move |_, _| Reply::Raw(short.clone()));
    refused_for(
        entry(&server, ONE).run(),
        &["the object ended too early: after 4 attempts: 6 of 99 bytes came"],
    );
    let server = aws(|_, _| {
        let headers = vec![("x-amz-checksum-crc32", "AAAAAA==".to_owned())];
        Reply::Answer(200, headers, b"c4n4ry".to_vec())
    });
    refused_for(
        entry(&server, ONE).run(),
        &[
            "wrong checksum: after 4 attempts: ",
            "upload the object again",
        ],
    );
    let files = "files: [{from: s3://bucket/x, to: OUT/x, max_size: 5B}]";
    refused_for(
        entry(&body(b"c4n4ry"), files).run(),
        &["too large: 6 bytes, at most 5 allowed; raise max_size"],
    );
}

#[test]
fn a_full_disk() {
    let server = aws(|_, _| Reply::Answer(200, vec![], vec![b'x'; 20_000]));
    let script = "mkdir out && mount -t tmpfs -o size=8k,mode=700 none out && \"$0\" web; rc=$?; ls -A out; exit $rc";
    let wrapped = Entry::wrapped(["unshare", "--mount", "sh", "-c", script]);
    let done = with_files(wrapped, &server.url(), ONE, YAML)
        .strip_last_arg()
        .run()
        .expect(125);
    let [error] = &done.errors()[..] else {
        panic!("{:?}", done.errors())
    };
    assert!(
        error.ends_with("out/ca.pem: cannot be written: No space left on device"),
        "{error}"
    );
    assert_eq!(done.stdout(), "", "something was left");
    assert!(!done.folder().join("started").exists());
}

#[test]
fn an_old_file_stays_when_anything_fails() {
    let server = error(403, "AccessDenied", "Access Denied");
    let entry = entry(&server, ONE);
    let out = entry.folder().join("out");
    std::fs::create_dir(&out).unwrap();
    for name in ["s.yml", "ca.pem"] {
        std::fs::write(out.join(name), "old").unwrap();
    }
    let done = entry.run().expect(125);
    for name in ["s.yml", "ca.pem"] {
        assert_eq!(std::fs::read_to_string(out.join(name)).unwrap(), "old");
    }
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 2);
    assert!(!done.folder().join("started").exists());
}

/// Compared while it streams: equal at first, then not, or shorter, or longer.
#[test]
fn a_file_that_is_there_is_compared_on_the_way() {
    let new = [vec![b'a'; 100_000], vec![b'b'; 100_000]].concat();
    let served = new.clone();
    let server = aws(move |_, _| Reply::Answer(200, vec![], served.clone()));
    let olds = [
        new.clone(),
        [&new[..150_000], b"x"].concat(),
        [&new[..], b"x"].concat(),
        new[..100].to_vec(),
    ];
    for old in olds {
        let entry = running(entry(&server, ONE), "[cmp, out/ca.pem, new]").file("new", &new);
        let out = entry.folder().join("out");
        std::fs::create_dir(&out).unwrap();
        let file = out.join("ca.pem");
        std::fs::write(&file, &old).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o400)).unwrap();
        let before = file.metadata().unwrap().ino();
        let _kept = entry.run().expect(0);
        assert_eq!(file.metadata().unwrap().ino() == before, old == new);
    }
}

#[test]
fn a_session_beside_a_running_entry_fetches_again_and_leaves_nothing() {
    let server = body(b"an object\n");
    let first = running(entry(&server, ONE), "[sleep, \"60\"]");
    let out = first.folder().join("out");
    let first = first.start();
    first.app();
    let inode = |name: &str| out.join(name).metadata().unwrap().ino();
    let before = (inode("s.yml"), inode("ca.pem"));
    let session = |object: &'static [u8], more: &str| {
        let server = body(object);
        let files = format!("files: [{{from: s3://bucket/x, to: OUT/ca.pem}}{more}]");
        let entry = running(entry(&server, &files), "[sh, -c, \"ls OUT\"]");
        let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
        let own = entry.folder().join("out").display().to_string();
        let mode = mode
            .replace("OUT", &out.display().to_string())
            .replace(&own, &out.display().to_string());
        entry.mode("web", &mode).run()
    };
    let done = session(b"an object\n", ", {from: s3://bucket/x, to: OUT/more}").expect(0);
    assert_eq!(done.stdout(), "ca.pem\nmore\ns.yml\n");
    let left = std::fs::read_dir(&out).unwrap().count();
    assert_eq!(
        (inode("s.yml"), inode("ca.pem"), left),
        (before.0, before.1, 2)
    );
    let errors = session(b"another\n", "").expect(125).errors();
    assert!(
        errors[0].contains("differs from what the running entry wrote"),
        "{errors:?}"
    );
    first.signal(Signal::SIGTERM);
    first.finish().expect(143);
    wait::until("the folder is gone", || (!out.exists()).then_some(()));
}

#[test]
fn nothing_is_asked_when_something_here_is_wrong() {
    let server = body(b"x");
    let files = "files: [{from: s3://bucket/x, to: /no/such/x}, {from: s3://bucket/x, to: OUT/x, user: nobody-here}]";
    let errors = refused(entry(&server, files).run());
    assert_eq!(
        errors,
        [
            "modes/web.yml:4: folder /no/such: cannot be made: No such file or directory (os error 2)",
            "modes/web.yml:4: user \"nobody-here\" is not in /etc/passwd: add it to the image or give its number",
        ]
    );
    assert_eq!(server.requests().len(), 0);
}
