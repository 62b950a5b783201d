//! Finding the program, without a shell and without glibc's `execvpe`, and telling why there is none.

use crate::exit::{NOT_EXECUTABLE, NOT_FOUND};
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use std::ffi::{CString, OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where programs are looked for when PATH is unset.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why the program cannot run, with the exit code that says so.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct CommandError {
    pub text: String,
    pub code: u8,
}

impl CommandError {
    /// Adds the mode that a mistyped word may have meant.
    pub fn hint(mut self, meant: Option<&str>) -> CommandError {
        if let (NOT_FOUND, Some(mode)) = (self.code, meant) {
            self.text = format!("{}; did you mean the mode {mode}?", self.text);
        }
        self
    }
}

fn error(code: u8, text: String) -> CommandError {
    CommandError { text, code }
}

/// The program's path: as it is if it has a slash, else the first executable one in PATH.
pub fn find(program: &OsStr, path: Option<&[u8]>) -> Result<PathBuf, CommandError> {
    let shown = program.display();
    if program.is_empty() {
        return Err(error(
            NOT_FOUND,
            "the command is empty: give a program".to_owned(),
        ));
    }
    if program.as_bytes().contains(&b'/') {
        return check(Path::new(program)).map(|()| program.into());
    }
    let path = path.unwrap_or(DEFAULT_PATH.as_bytes());
    let mut refused = None;
    for folder in path.split(|byte| *byte == b':') {
        let folder = if folder.is_empty() { b"." } else { folder };
        let candidate = Path::new(OsStr::from_bytes(folder)).join(program);
        match check(&candidate) {
            Ok(()) => return Ok(candidate),
            // As execvp(3): what is there but may not be run is remembered, a folder is nothing.
            Err(found) if candidate.is_file() => refused = refused.or(Some(found)),
            Err(_) => {}
        }
    }
    let missing = || {
        let path = String::from_utf8_lossy(path);
        error(
            NOT_FOUND,
            format!("{shown}: not found in PATH ({path}): is it in the image?"),
        )
    };
    Err(refused.unwrap_or_else(missing))
}

fn check(path: &Path) -> Result<(), CommandError> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Err(error(
            NOT_FOUND,
            format!("{shown}: no such file: is it in the image?"),
        )),
        Err(cause) => Err(error(
            NOT_EXECUTABLE,
            format!("{shown}: {}", reason(&cause)),
        )),
        Ok(found) if !found.is_file() => Err(error(NOT_EXECUTABLE, format!("{shown}: not a file"))),
        Ok(_) => access(path, AccessFlags::X_OK).map_err(|errno| not_permitted(path, errno)),
    }
}

fn not_permitted(path: &Path, errno: Errno) -> CommandError {
    error(
        NOT_EXECUTABLE,
        format!(
            "{}: {}: chmod +x it in the image",
            path.display(),
            errno.desc()
        ),
    )
}

/// What a failed `execve` means. ENOENT of a file that is there is a missing interpreter or loader.
pub fn explain(path: &Path, errno: Errno) -> CommandError {
    let shown = path.display();
    match errno {
        Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR if path.exists() => match interpreter(path) {
            Some(name) => error(
                NOT_FOUND,
                format!("{shown}: its interpreter {name} is missing: install it in the image"),
            ),
            None => error(NOT_FOUND, format!("{shown}: its interpreter is missing")),
        },
        Errno::ENOENT => error(NOT_FOUND, format!("{shown}: no such file")),
        Errno::ENOEXEC => error(
            NOT_EXECUTABLE,
            format!(
                "{shown}: exec format error: a script without #! line, or a binary of another architecture"
            ),
        ),
        Errno::EACCES => error(
            NOT_EXECUTABLE,
            format!("{shown}: permission denied for the app's user, or a noexec mount"),
        ),
        Errno::E2BIG => error(
            NOT_EXECUTABLE,
            format!("{shown}: arguments and environment are too large for the kernel"),
        ),
        other => error(NOT_EXECUTABLE, format!("{shown}: {}", other.desc())),
    }
}

/// The `#!` interpreter of a script, or the loader of a dynamic ELF file.
fn interpreter(path: &Path) -> Option<String> {
    let mut head = vec![0; 4096];
    let length = std::fs::File::open(path).ok()?.read(&mut head).ok()?;
    head.truncate(length);
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?;
        // With CRLF line ends the interpreter's name ends in \r, which nobody sees.
        let word = line
            .trim_ascii_start()
            .split(|byte| b" \t".contains(byte))
            .next()?;
        return Some(format!("{:?}", String::from_utf8_lossy(word)));
    }
    head.starts_with(b"\x7fELF")
        .then(|| elf_loader(&head))
        .flatten()
}

/// The loader's path stands in the file as text, near its start: `PT_INTERP`'s content.
fn elf_loader(head: &[u8]) -> Option<String> {
    let at = head
        .windows(5)
        .position(|window| window == b"/lib/" || window == b"/lib6")?;
    let path = head.get(at..)?.split(|byte| *byte == 0).next()?;
    Some(format!("{:?}", String::from_utf8_lossy(path)))
}

/// The words of a command as `execve` takes them.
pub fn argv(words: &[OsString]) -> Result<Vec<CString>, CommandError> {
    words
        .iter()
        .map(|word| CString::new(word.clone().into_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| {
            error(
                NOT_EXECUTABLE,
                "the command has a NUL byte in an argument".to_owned(),
            )
        })
}

fn reason(cause: &std::io::Error) -> &'static str {
    cause
        .raw_os_error()
        .map_or("cannot be read", |number| Errno::from_raw(number).desc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn path_is_searched_past_what_cannot_run() {
        let dir = tempfile::tempdir().unwrap();
        let make = |folder: &str, mode| {
            let folder = dir.path().join(folder);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("app"), "").unwrap();
            std::fs::set_permissions(folder.join("app"), PermissionsExt::from_mode(mode)).unwrap();
            folder
        };
        let (plain, runs) = (make("plain", 0o644), make("runs", 0o755));
        let both = format!("{}:{}", plain.display(), runs.display());
        assert_eq!(
            find(OsStr::new("app"), Some(both.as_bytes())),
            Ok(runs.join("app"))
        );
        let refused = find(OsStr::new("app"), Some(plain.as_os_str().as_bytes())).unwrap_err();
        assert_eq!(refused.code, NOT_EXECUTABLE);
        assert!(
            refused
                .text
                .ends_with("plain/app: Permission denied: chmod +x it in the image"),
            "{refused}"
        );
        assert_eq!(
            find(OsStr::new("nope"), Some(both.as_bytes()))
                .unwrap_err()
                .code,
            NOT_FOUND
        );
        assert_eq!(
            find(OsStr::new("/etc"), None).unwrap_err().text,
            "/etc: not a file"
        );
        assert_eq!(
            find(OsStr::new("/etc"), None).unwrap_err().code,
            NOT_EXECUTABLE
        );
    }

    #[test]
    fn a_missing_interpreter_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("x");
        std::fs::write(&script, "#!/no/such/ruby -w\r\n").unwrap();
        let text = explain(&script, Errno::ENOENT).text;
        assert!(
            text.ends_with("its interpreter \"/no/such/ruby\" is missing: install it in the image"),
            "{text}"
        );
        std::fs::write(&script, "#! /bin/sh\r\n").unwrap();
        assert!(
            explain(&script, Errno::ENOENT)
                .text
                .contains(r#""/bin/sh\r""#)
        );
    }
}
