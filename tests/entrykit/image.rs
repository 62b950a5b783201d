//! An image as a Dockerfile would make it: this machine's files under some of its own, with entry put where
//! EntryKit would be and `entrykit --symlink` run. What is written in there goes with it.

use crate::support::{Entry, Finished};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A second layer over the root, in memory; the names in /bin may be links to /usr/bin.
const BUILD: &str = r#"
mkdir layers
mount -t tmpfs none layers
mkdir layers/upper layers/work layers/root
root=$PWD/layers/root
mount -t overlay -o lowerdir=/,upperdir=layers/upper,workdir=layers/work none "$root"
tar -C image -c . | tar -C "$root" -x --keep-directory-symlink --no-same-owner
mount --rbind /dev "$root/dev"
mount -t proc none "$root/proc"
touch "$root/bin/entrykit"
mount --bind "$0" "$root/bin/entrykit"
chroot "$root" entrykit --symlink >&2
exec chroot "$root" env -C "$WORKDIR" "$@"
"#;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a container of the image is started from.
pub struct Image(Entry);

impl Image {
    pub fn new() -> Image {
        let words = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-ec",
            BUILD,
        ];
        let entry = Entry::wrapped(words).env("PATH", PATH);
        let image = Image(entry.env("WORKDIR", "/"));
        fs::create_dir(image.0.folder().join("image")).unwrap();
        image
    }

    /// A file with a mode.
    pub fn file(self, path: &str, content: &str, mode: u32) -> Image {
        let inside = format!("image{path}");
        let entry = self.0.file(&inside, content);
        fs::set_permissions(entry.folder().join(inside), PermissionsExt::from_mode(mode)).unwrap();
        Image(entry)
    }

    /// A program that is no more than this script.
    pub fn script(self, path: &str, script: &str) -> Image {
        self.file(path, &format!("#!/bin/sh\n{script}\n"), 0o755)
    }

    /// A program that says how it was called.
    pub fn program(self, path: &str) -> Image {
        self.script(path, "echo \"$0 $*\"")
    }

    pub fn env(self, name: &str, value: &str) -> Image {
        Image(self.0.env(name, value))
    }

    pub fn workdir(self, path: &str) -> Image {
        Image(self.0.env("WORKDIR", path))
    }

    /// Runs a container with its ENTRYPOINT, and a CMD or the words of `docker run`.
    pub fn run(self, entrypoint: &[&str], words: &[&str]) -> Finished {
        self.0.args(entrypoint).args(words).run()
    }
}
