//! ENTRYPOINT lines of five public Dockerfiles, word for word. What they start is stood in for.

use super::image::Image;

/// <https://github.com/cookpad/sisito>, Dockerfile at 4ee8d837d80acfc73519999fed690f5eb1fb1d0e.
#[test]
fn sisito() {
    let line = [
        "switch",
        "shell=/bin/bash",
        "--",
        "prehook",
        "bash /migrate.sh",
        "--",
        "/usr/local/bin/bundle",
        "exec",
        "rails",
        "server",
        "-b",
        "0.0.0.0",
    ];
    let image = || {
        Image::new()
            .workdir("/var/www/sisito")
            .file("/var/www/sisito/Gemfile", "", 0o644)
            .file("/migrate.sh", "pwd; echo \"$0\"\n", 0o644)
            .program("/usr/local/bin/bundle")
    };
    let done = image().run(&line, &[]).expect(0);
    let expected =
        "/var/www/sisito\n/migrate.sh\n/usr/local/bin/bundle exec rails server -b 0.0.0.0\n";
    assert_eq!(done.stdout(), expected);
    assert_eq!(image().run(&line, &["shell"]).expect(0).stdout(), "");
}

/// <https://github.com/gihyodocker/tododb>, Dockerfile at 81f386b735efaa455e1a8bb8ce15ddad617262b1.
#[test]
fn tododb() {
    let line = ["prehook", "add-server-id.sh", "--", "docker-entrypoint.sh"];
    let done = Image::new()
        .program("/usr/local/bin/add-server-id.sh")
        .program("/usr/local/bin/docker-entrypoint.sh")
        .run(&line, &["mysqld"])
        .expect(0);
    let expected = "/usr/local/bin/add-server-id.sh \n/usr/local/bin/docker-entrypoint.sh mysqld\n";
    assert_eq!(done.stdout(), expected);
}

/// <https://github.com/mumoshu/dcind>, Dockerfile at ce7e8fb7e5ac2e9cc08de5f509578ff69eceef52.
#[test]
fn docker_compose_in_docker() {
    let line = ["entrykit", "-e"];
    let stays = "echo \"$0 $*\"; echo >/started; exec sleep 1000";
    let ends = "until [ -e /started ]; do :; done; echo \"$0 $*\"; exit 4";
    let image = || {
        Image::new()
            .env("PREHOOK_PRINT", "cat /src/docker-compose.yml")
            .env("SWITCH_PULL", "codep docker-daemon docker-compose-pull")
            .env("SWITCH_SHELL", "zsh")
            .env("CODEP_DAEMON", "/bin/docker daemon")
            .env("CODEP_COMPOSE", "/usr/bin/docker-compose up")
            .workdir("/src")
            .file("/src/docker-compose.yml", "db: {image: postgres}\n", 0o644)
            .script("/bin/docker", stays)
            .script("/usr/bin/docker-compose", ends)
            .script("/bin/docker-daemon", stays)
            .script("/bin/docker-compose-pull", ends)
            .program("/bin/zsh")
    };
    let compose = "db: {image: postgres}\n";
    let done = image().run(&line, &[]).expect(4);
    let all = format!("{compose}/bin/docker daemon\n/usr/bin/docker-compose up\n");
    assert_eq!(done.stdout(), all);
    let done = image().run(&line, &["pull"]).expect(4);
    let pull = format!("{compose}/usr/bin/docker-daemon \n/usr/bin/docker-compose-pull \n");
    assert_eq!(
        done.stdout().replace("/usr/bin/", "/bin/"),
        pull.replace("/usr/bin/", "/bin/")
    );
    let done = image().run(&line, &["shell"]).expect(0);
    assert!(done.stdout().ends_with("/bin/zsh \n"), "{}", done.stdout());
}

/// <https://github.com/meAmidos/dcind>, Dockerfile at 002a5bf5f4a16ff3e7e53edf74f5cc11c03372d0.
#[test]
fn docker_in_docker() {
    let line = [
        "switch",
        "shell=/bin/sh",
        "--",
        "codep",
        "/bin/docker daemon",
    ];
    let image = || Image::new().script("/bin/docker", "echo \"$0 $*\"; kill -KILL $$");
    let done = image().run(&line, &[]).expect(137);
    assert_eq!(done.stdout(), "/bin/docker daemon\n");
    assert_eq!(image().run(&line, &["shell"]).expect(0).stdout(), "");
}

/// <https://github.com/ohbarye/rails-react-typescript-docker-example>, backend/Dockerfile at
/// 0d4325119354b84c4af315925a4309de45baecf1, with a command of its docker-compose.yml.
#[test]
fn rails() {
    let line = [
        "prehook",
        "ruby -v",
        "--",
        "prehook",
        "/myapp/backend/prehook",
        "--",
    ];
    let command = [
        "bundle", "exec", "rails", "s", "-p", "3000", "-b", "0.0.0.0",
    ];
    let image = |prehook: &str| {
        Image::new()
            .workdir("/myapp/backend")
            .program("/usr/local/bin/ruby")
            .script("/myapp/backend/prehook", prehook)
            .program("/usr/local/bin/bundle")
    };
    let done = image("echo prepared").run(&line, &command).expect(0);
    let expected =
        "/usr/local/bin/ruby -v\nprepared\n/usr/local/bin/bundle exec rails s -p 3000 -b 0.0.0.0\n";
    assert_eq!(done.stdout(), expected);
    let done = image("exit 12").run(&line, &command).expect(12);
    assert_eq!(done.stdout(), "/usr/local/bin/ruby -v\n");
    let told =
        "prehook: before: `/myapp/backend/prehook` ended with code 12: the app is not started";
    assert_eq!(done.errors(), [told]);
    assert_eq!(
        image("echo prepared").run(&line, &[]).expect(0).stdout(),
        "/usr/local/bin/ruby -v\nprepared\n"
    );
}
