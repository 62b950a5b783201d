//! entry's command line. Options end at the first word: all that follows belongs to the app, byte for
//! byte.

use clap::{CommandFactory, Parser};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Run a mode, or a one-off where no mode has this name.
    Run(Wanted),
    /// Load everything, start nothing; all modes where none is named.
    Check { mode: Option<String> },
    /// Tell what would happen.
    Explain(Wanted),
    /// Ask whether the container's app is well; its own mode where none is named.
    Health { mode: Option<String> },
    /// Make the links of `EntryKit`'s names in this folder, or where entry is.
    Symlink(Option<PathBuf>),
}

/// What is to run.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Never empty.
    pub words: Vec<OsString>,
    /// They came after `--`, so the first is a program even where a mode has its name.
    pub literal: bool,
    pub as_mode: Option<String>,
}

/// A command line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    pub modes: Option<PathBuf>,
    pub request: Request,
}

#[derive(Parser)]
#[command(
    name = "entry",
    version,
    about = "PID 1 of a Rails container: fetches secrets, runs a mode, stops it well",
    override_usage = "entry [OPTIONS] MODE [ARGS]...\n       entry [OPTIONS] -- COMMAND [ARGS]...",
    after_help = AFTER_HELP
)]
struct Options {
    /// The folder of the modes [default: $`ENTRY_MODES`, ./modes, /etc/entry/modes]
    #[arg(long, value_name = "DIR")]
    modes: Option<PathBuf>,
    /// Run a one-off with this mode's secrets, user and environment
    #[arg(long = "as", value_name = "MODE")]
    as_mode: Option<String>,
    /// Load everything, fetch nothing, print the problems, exit 0 or 125
    #[arg(long, conflicts_with_all = ["explain", "as_mode"])]
    check: bool,
    /// Print what would happen, in order, and start nothing
    #[arg(long)]
    explain: bool,
    /// Ask the running app whether it is well, as MODE's `health` says; exit 0 or 1
    #[arg(long, conflicts_with_all = ["check", "explain", "as_mode"])]
    health: bool,
    /// Make links by `EntryKit`'s names in DIR [default: where entry is]
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["check", "explain", "as_mode"])]
    symlink: Option<OsString>,
}

const AFTER_HELP: &str = "\
A MODE is a file modes/MODE.yml; any other word runs as a one-off under modes/oneoff.yml.

Examples:
  entry web                     run modes/web.yml
  entry rake db:migrate         run modes/rake.yml with an argument
  entry --as web -- rails c     a console as web sees it
  entry --check                 check every mode
  entry --health                for a HEALTHCHECK: one line, exit 0 or 1

Environment:
  ENTRY_MODES          the folder of the modes
  ENTRY_LOG            text, json or quiet (errors only) [default: text on a terminal, else json]
  ENTRY_STOP_TIMEOUT   the most a stop may take, such as ECS's stopTimeout: 30, 45s

Exit codes:
  the app's own; 128+n if signal n killed it
  124  max_runtime ran out
  125  entry itself failed: usage, configuration, secrets, files, a boot that died
  126  the command was found but cannot be executed
  127  the command was not found";

/// Reads the arguments after the program's name. The error is clap's: a usage error, or the text of
/// `--help` and `--version`.
pub fn parse(args: &[OsString]) -> Result<Invocation, clap::Error> {
    let (options, rest) = split(args);
    let name = OsStr::new("entry").to_owned();
    let parsed = Options::try_parse_from(std::iter::once(name).chain(options.iter().cloned()))?;
    let literal = rest.first().is_some_and(|word| word == "--");
    let words: Vec<OsString> = rest.iter().skip(usize::from(literal)).cloned().collect();
    let Options {
        modes,
        as_mode,
        check,
        explain,
        health,
        symlink,
    } = parsed;
    if let Some(folder) = symlink {
        let named = !folder.is_empty();
        if let Some(word) = rest.first() {
            let text = format!(
                "--symlink takes one folder, but got {:?}, too",
                word.display().to_string()
            );
            return Err(Options::command().error(clap::error::ErrorKind::UnknownArgument, text));
        }
        return Ok(Invocation {
            modes,
            request: Request::Symlink(named.then(|| folder.into())),
        });
    }
    if check || health {
        let mode = words
            .first()
            .map(|word| word.to_string_lossy().into_owned());
        let request = if health {
            Request::Health { mode }
        } else {
            Request::Check { mode }
        };
        return Ok(Invocation { modes, request });
    }
    if words.is_empty() {
        let text = "a MODE or -- COMMAND is missing; entry --help shows how";
        return Err(Options::command().error(clap::error::ErrorKind::MissingRequiredArgument, text));
    }
    let wanted = Wanted {
        words,
        literal,
        as_mode,
    };
    let request = if explain {
        Request::Explain(wanted)
    } else {
        Request::Run(wanted)
    };
    Ok(Invocation { modes, request })
}

/// Cuts where the options end: at `--`, or at the first word that is neither an option nor its value.
fn split(args: &[OsString]) -> (&[OsString], &[OsString]) {
    let command = Options::command();
    let takes_value = |arg: &OsStr| {
        let name = arg.to_str().and_then(|text| text.strip_prefix("--"));
        command.get_arguments().any(|option| {
            option.get_long() == name && name.is_some() && option.get_action().takes_values()
        })
    };
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        if arg == "--" || !arg.as_encoded_bytes().starts_with(b"-") || arg.len() == 1 {
            break;
        }
        at += if takes_value(arg) { 2 } else { 1 };
    }
    args.split_at(at.min(args.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn run(line: &str) -> (Vec<OsString>, bool) {
        match parse(&words(line)).unwrap().request {
            Request::Run(wanted) => (wanted.words, wanted.literal),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn options_end_at_the_first_word() {
        assert_eq!(
            run("web --check -- -x"),
            (words("web --check -- -x"), false)
        );
        assert_eq!(
            run("--modes d rake db:migrate"),
            (words("rake db:migrate"), false)
        );
        assert_eq!(run("--modes=d -- web -- y"), (words("web -- y"), true));
        assert_eq!(run("-- --help"), (words("--help"), true));
        assert_eq!(run("- x"), (words("- x"), false));
    }

    #[test]
    fn requests() {
        assert_eq!(
            parse(&words("--check")).unwrap().request,
            Request::Check { mode: None }
        );
        assert_eq!(
            parse(&words("--check web")).unwrap().request,
            Request::Check {
                mode: Some("web".into())
            }
        );
        let explained = parse(&words("--as web --explain -- ls")).unwrap().request;
        let wanted = Wanted {
            words: words("ls"),
            literal: true,
            as_mode: Some("web".into()),
        };
        let expected = Request::Explain(wanted);
        assert_eq!(explained, expected);
        let symlink = |line: &str| parse(&words(line)).unwrap().request;
        assert_eq!(symlink("--symlink"), Request::Symlink(None));
        assert_eq!(
            symlink("--symlink bin"),
            Request::Symlink(Some("bin".into()))
        );
        for bad in [
            "--symlink bin web",
            "--symlink --check",
            "",
            "--",
            "--nope web",
            "--modes",
            "--check --explain web",
            "-x",
        ] {
            assert!(parse(&words(bad)).is_err(), "{bad}");
        }
    }
}
