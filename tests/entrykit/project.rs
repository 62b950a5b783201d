//! The ENTRYPOINT lines of EntryKit's own README, example and Dockerfile
//! (<https://github.com/progrium/entrykit>, at 42e08937c4f9617796c21fcbafee75465e472c3e and before).

use super::image::Image;

/// Of the README, and of example/Dockerfile.
const DEMO: [&str; 13] = [
    "switch",
    "shell=/bin/sh",
    "version=nginx -v",
    "--",
    "render",
    "/demo/nginx.conf",
    "--",
    "prehook",
    "nginx -V",
    "--",
    "codep",
    "/bin/reloader 3",
    "/usr/sbin/nginx -c /demo/nginx.conf",
];

/// nginx stands for a server that says its configuration, and ends with 5 once the reloader is there.
fn demo() -> Image {
    let nginx = "echo \"nginx $*\"\ncase $1 in -c) cat \"$2\"; until [ -e /started ]; do :; done; exit 5;; esac";
    let template = "location /{{ var \"DEMO\" | default \"demo\" }} {\n  root ${ROOT:-/};\n}\n";
    Image::new()
        .file("/demo/nginx.conf.tmpl", template, 0o640)
        .script(
            "/bin/reloader",
            "trap 'exit 0' TERM; echo $1 >/started; while :; do sleep 1 & wait; done",
        )
        .script("/usr/sbin/nginx", nginx)
}

#[test]
fn all_links_in_one_chain() {
    let done = demo().env("DEMO", "here").run(&DEMO, &[]).expect(5);
    let expected = "nginx -V\nnginx -c /demo/nginx.conf\nlocation /here {\n  root /;\n}\n";
    assert_eq!(done.stdout(), expected);
    let ended = done
        .lines()
        .into_iter()
        .filter(|line| line["event"] == "process_ended");
    let ended: Vec<_> = ended
        .map(|line| (line["process"].clone(), line["reason"].clone()))
        .collect();
    let reasons = [("nginx", "exited 5"), ("reloader", "exited 0")];
    assert_eq!(
        ended,
        reasons.map(|(name, reason)| (name.into(), reason.into()))
    );
}

#[test]
fn a_switch_runs_nothing_else() {
    let done = demo().run(&DEMO, &["version"]).expect(0);
    assert_eq!(done.stdout(), "nginx -v\n");
    assert_eq!(demo().run(&DEMO, &["shell"]).expect(0).stdout(), "");
}

#[test]
fn codep_alone() {
    let image = Image::new()
        .script("/bin/config-reloader", "echo >/started; exec sleep 1000")
        .script(
            "/usr/sbin/nginx",
            "until [ -e /started ]; do :; done; echo nginx; exit 3",
        );
    let done = image.run(&["codep", "/bin/config-reloader", "/usr/sbin/nginx"], &[]);
    assert_eq!(done.expect(3).stdout(), "nginx\n");
}

#[test]
fn render_alone() {
    let image = Image::new()
        .file("/etc/nginx.conf.tmpl", "hello $NAME\n", 0o600)
        .env("NAME", "megalith")
        .script(
            "/usr/sbin/nginx",
            "stat -c %a /etc/nginx.conf; cat /etc/nginx.conf",
        );
    let done = image.run(&["render", "/etc/nginx.conf", "--", "/usr/sbin/nginx"], &[]);
    assert_eq!(done.expect(0).stdout(), "600\nhello megalith\n");
}

#[test]
fn switch_alone() {
    let line = [
        "switch",
        "shell=/bin/sh",
        "version=nginx -v",
        "--",
        "/usr/sbin/nginx",
    ];
    for (words, said) in [
        (&[][..], "/usr/sbin/nginx \n"),
        (&["version"], "/usr/sbin/nginx -v\n"),
        (&["shell"], ""),
    ] {
        let done = Image::new().program("/usr/sbin/nginx").run(&line, words);
        assert_eq!(done.expect(0).stdout(), said, "{words:?}");
    }
}

#[test]
fn prehook_alone() {
    let line = ["prehook", "nginx -V", "--", "/usr/sbin/nginx"];
    let done = Image::new()
        .program("/usr/sbin/nginx")
        .run(&line, &[])
        .expect(0);
    assert_eq!(done.stdout(), "/usr/sbin/nginx -V\n/usr/sbin/nginx \n");
}

/// Its variables; the README writes the line as `["entrykit -e"]`, which no kernel starts.
#[test]
fn all_jobs_from_variables() {
    let image = || {
        Image::new()
            .env("SWITCH_SHELL", "/bin/sh")
            .env("RENDER_CONFIG", "/etc/nginx.conf")
            .env("CODEP_NGINX", "nginx -g")
            .env("CODEP_CONFD", "confd")
            .env(
                "PREHOOK_HTPASSWD",
                "htpasswd -bc /etc/nginx/htpasswd $HTPASSWD",
            )
            .env("HTPASSWD", "me")
            .env("ENTRYKIT_VERSION", "0.4.0")
            .file("/etc/nginx.conf.tmpl", "config\n", 0o644)
            .program("/usr/bin/htpasswd")
            .script(
                "/usr/sbin/nginx",
                "until [ -e /started ]; do :; done; cat /etc/nginx.conf",
            )
            .script("/usr/bin/confd", "echo >/started; exec sleep 1000")
    };
    let done = image().run(&["entrykit", "-e"], &[]).expect(0);
    assert_eq!(
        done.stdout(),
        "/usr/bin/htpasswd -bc /etc/nginx/htpasswd me\nconfig\n"
    );
    // The password that a build may have left in it is in no line.
    assert_eq!(done.line("before")["command"], "$PREHOOK_HTPASSWD");
    let done = image().run(&["entrykit", "-e", "--"], &["shell"]).expect(0);
    assert_eq!(
        done.stdout(),
        "/usr/bin/htpasswd -bc /etc/nginx/htpasswd me\n"
    );
}

/// Of the Dockerfile that EntryKit was tried with.
#[test]
fn lines_with_names() {
    let line = [
        "codep",
        "-p",
        "alpha=/bin/numbers foo",
        "beta=/bin/numbers bar",
    ];
    let numbers = "echo 4711 $1; touch /$1; until [ -e /foo ] && [ -e /bar ]; do :; done";
    let done = Image::new().script("/bin/numbers", numbers).run(&line, &[]);
    let mut lines: Vec<String> = done.stdout().lines().map(ToOwned::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["alpha | 4711 foo", "beta  | 4711 bar"]);
}

/// Of tests/switch.bash.
#[test]
fn a_switch_by_its_path() {
    let line = [
        "/bin/switch",
        "cmd1=echo app foo is running",
        "cmd2=echo app bar is running",
        "--",
    ];
    for (word, said) in [
        ("cmd1", "app foo is running\n"),
        ("cmd2", "app bar is running\n"),
    ] {
        assert_eq!(Image::new().run(&line, &[word]).expect(0).stdout(), said);
    }
}
