//! Questions to whoever sits at the terminal.

use crate::cli::Failure;
use crate::vault::Secret;
use nix::sys::termios::{self, InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use std::io::{self, BufRead, IsTerminal, Read, Stdin, Write};
use zeroize::Zeroizing;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const BACKSPACE: [u8; 2] = [8, 127];

/// Whether somebody is there to answer.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Yes unless the answer begins with `n`, or there is none.
pub(super) fn yes(question: &str) -> bool {
    ask(&format!("{question} [Y/n] "));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok_and(|length| length > 0) && !answer.trim_start().starts_with(['n', 'N'])
}

fn ask(question: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// A line that does not show while it is typed.
pub(super) fn hidden(question: &str) -> Result<Secret, Failure> {
    let stdin = io::stdin();
    let quiet = Quiet::make(&stdin)?;
    ask(question);
    let line = line(&mut stdin.lock());
    drop(quiet);
    ask("\n");
    match line {
        Ok(Some(line)) => match std::str::from_utf8(&line) {
            Ok(text) => Ok(Secret::from(text)),
            Err(_) => Err(Failure::line("what was typed is not UTF-8".to_owned())),
        },
        Ok(None) => Err(Failure::line("broken off: nothing is changed".to_owned())),
        Err(error) => Err(Failure::line(format!("cannot read the terminal: {error}"))),
    }
}

/// The line's bytes; `None` for Ctrl-C, or Ctrl-D before anything else. The terminal sends no signal for
/// Ctrl-C here, which would leave it without echo.
fn line(keyboard: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(256));
    let mut key = [0];
    loop {
        if keyboard.read(&mut key)? == 0 {
            return Ok((!line.is_empty()).then_some(line));
        }
        match key[0] {
            b'\r' | b'\n' => return Ok(Some(line)),
            CTRL_C => return Ok(None),
            CTRL_D if line.is_empty() => return Ok(None),
            CTRL_D => return Ok(Some(line)),
            CTRL_U => line.clear(),
            key if BACKSPACE.contains(&key) => {
                // A character of several bytes goes as a whole.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            key => line.push(key),
        }
    }
}

/// The terminal without echo, as long as this lives.
struct Quiet<'a> {
    stdin: &'a Stdin,
    before: Termios,
}

impl Quiet<'_> {
    fn make(stdin: &Stdin) -> Result<Quiet<'_>, Failure> {
        let failed = |error| Failure::line(format!("cannot set the terminal: {error}"));
        let before = termios::tcgetattr(stdin).map_err(failed)?;
        let mut quiet = before.clone();
        quiet
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        quiet.input_flags.insert(InputFlags::ICRNL);
        quiet.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        quiet.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        termios::tcsetattr(stdin, SetArg::TCSAFLUSH, &quiet).map_err(failed)?;
        Ok(Quiet { stdin, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.stdin, SetArg::TCSADRAIN, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_edit_the_line() {
        for (typed, want) in [
            ("abc\n", Some("abc")),
            ("abc\u{7f}\u{7f}d\r", Some("ad")),
            ("aé\u{8}\n", Some("a")),
            ("wrong\u{15}right\n", Some("right")),
            ("\u{7f}\n", Some("")),
            ("abc\u{3}", None),
            ("\u{4}", None),
            ("abc\u{4}", Some("abc")),
            ("abc", Some("abc")),
            ("", None),
        ] {
            let line = line(&mut typed.as_bytes()).unwrap();
            let want = want.map(|text| text.as_bytes().to_vec());
            assert_eq!(line.map(|line| line.to_vec()), want, "{typed:?}");
        }
    }
}
